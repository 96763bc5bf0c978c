"""lightweight-gan as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import lightweight
from c2l_gans.generator import NormalLatents
from c2l_gans.networks.lightweight import LightweightNetwork, LightweightSettings


class LightweightGAN(NormalLatents):
    """The generator of lucidrains' lightweight-gan. Noise is fixed."""

    family = "lightweight-gan"
    settings_class = LightweightSettings
    network_class = LightweightNetwork
    reader = lightweight

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
