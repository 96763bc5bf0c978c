"""Progressive GAN as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import progan
from c2l_gans.generator import NormalLatents
from c2l_gans.networks.progan import ProGANNetwork, ProGANSettings


class ProGAN(NormalLatents):
    """Progressive GAN (Karras et al. 2018), fully grown."""

    family = "ProGAN"
    settings_class = ProGANSettings
    network_class = ProGANNetwork
    reader = progan

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        side = self.network_settings.resolution
        return side, side

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
