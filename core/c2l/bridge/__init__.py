"""From embeddings of pictures, which train a prior, to those of text, which ask it."""

from c2l.bridge.bridge import Bridge as Bridge
from c2l.bridge.prior import BridgedPrior as BridgedPrior
from c2l.bridge.settings import BridgeSettings as BridgeSettings
from c2l.bridge.settings import FixedBridgeSettings as FixedBridgeSettings
