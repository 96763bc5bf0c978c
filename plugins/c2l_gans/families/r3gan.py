"""R3GAN as a c2l generator."""

from __future__ import annotations

from torch import Tensor

import c2l
from c2l_gans.class_codes import ClassCodes
from c2l_gans.files import r3gan
from c2l_gans.networks.r3gan import R3GANNetwork, R3GANSettings


class R3GAN(ClassCodes):
    """R3GAN (Huang et al. 2024), in float32 throughout."""

    family = "R3GAN"
    settings_class = R3GANSettings
    network_class = R3GANNetwork
    reader = r3gan

    @property
    def _layout(self) -> c2l.LatentLayout:
        settings = self.network_settings
        return c2l.LatentLayout(1, settings.z_dim + settings.embedded, (1,))

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
