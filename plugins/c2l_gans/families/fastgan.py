"""FastGAN as a c2l generator."""

from __future__ import annotations

from torch import Tensor

from c2l_gans.files import fastgan
from c2l_gans.generator import NormalLatents
from c2l_gans.networks.fastgan import FastGANNetwork, FastGANSettings


class FastGAN(NormalLatents):
    """FastGAN (Liu et al. 2021), of odegeasslbc's code.

    It draws with the statistics of its training, where the official script takes those of each
    batch, which would make a picture depend on the others beside it. Noise is fixed.
    """

    family = "FastGAN"
    settings_class = FastGANSettings
    network_class = FastGANNetwork
    reader = fastgan

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0], codes[:, 0, :0])
        return images
