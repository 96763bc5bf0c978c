"""Text-driven sampling for any pretrained GAN.

Importing this package is cheap: every public name loads at first use (PEP 562), so that listing
plugins or reading a model card never imports torch. The public names are those in
``__init__.pyi``.
"""

from c2l.version import __version__ as __version__
from c2l_registry.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
