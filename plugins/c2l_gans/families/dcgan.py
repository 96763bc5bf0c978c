"""DCGAN as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import dcgan
from c2l_gans.generator import NormalLatents
from c2l_gans.networks.dcgan import DCGANNetwork, DCGANSettings


class DCGAN(NormalLatents):
    """DCGAN (Radford et al. 2016), with the statistics of its training."""

    family = "DCGAN"
    settings_class = DCGANSettings
    network_class = DCGANNetwork
    reader = dcgan

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
