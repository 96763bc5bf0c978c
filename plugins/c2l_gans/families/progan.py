"""ProGAN as a c2l generator."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from c2l_gans.files import progan
from c2l_gans.generator import NormalLatents
from c2l_gans.networks.progan import ProGANNetwork, ProGANSettings
from c2l_stylegan.shared import check_noise, numpy_normal, unit_rms


class ProGAN(NormalLatents):
    """Progressive GAN (Karras et al. 2018), fully grown.

    The latent is what the first layer takes: noise of a root mean square of one.
    """

    family = "ProGAN"
    settings_class = ProGANSettings
    network_class = ProGANNetwork
    reader = progan

    def map(self, z: Tensor) -> Tensor:
        """As in ``NormalLatents``; the noise is brought to a root mean square of one."""
        return super().map(unit_rms(check_noise(z, self.network_settings.z_dim)))

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """As in ``NormalLatents``; z is from numpy's ``RandomState`` of each seed."""
        return self.map(numpy_normal(seeds, self.network_settings.z_dim))

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
