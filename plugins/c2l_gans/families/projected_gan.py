"""Projected GAN as a c2l generator."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

import c2l
from c2l_gans.class_codes import ClassCodes
from c2l_gans.files import projected_gan
from c2l_gans.networks.fastgan import FastGANNetwork, FastGANSettings
from c2l_stylegan.shared import check_noise, unit_rms


class ProjectedGAN(ClassCodes):
    """The FastGAN and FastGAN-lite generators of Projected GAN (Sauer et al. 2021).

    The noise in a latent is what the first layer takes: of a root mean square of one.
    """

    family = "Projected GAN"
    settings_class = FastGANSettings
    network_class = FastGANNetwork
    reader = projected_gan

    @property
    def _layout(self) -> c2l.LatentLayout:
        settings = self.network_settings
        width = settings.z_dim * (2 if settings.num_classes else 1)
        return c2l.LatentLayout(1, width, (1,))

    def map(self, z: Tensor, classes: Sequence[int] | None = None) -> Tensor:
        """As in ``ClassCodes``; the noise is brought to a root mean square of one."""
        return super().map(unit_rms(check_noise(z, self.network_settings.z_dim)), classes)

    def _draw(self, codes: Tensor) -> Tensor:
        width = self.network_settings.z_dim
        images: Tensor = self.network(codes[:, 0, :width], codes[:, 0, width:])
        return images
