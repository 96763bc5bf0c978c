"""R3GAN as a c2l generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l_gans.class_codes import ClassCodes
from c2l_gans.files import r3gan
from c2l_gans.networks.r3gan import R3GANNetwork, R3GANSettings
from c2l_stylegan.shared import numpy_normal


class R3GAN(ClassCodes):
    """R3GAN (Huang et al. 2024), in float32 throughout."""

    family = "R3GAN"
    settings_class = R3GANSettings
    network_class = R3GANNetwork
    reader = r3gan

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        side = self.network_settings.resolution
        return side, side

    @property
    def _layout(self) -> c2l.LatentLayout:
        settings = self.network_settings
        return c2l.LatentLayout(1, settings.z_dim + settings.embedded, (1,))

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        # As the official script does: numpy's RandomState of each seed.
        return numpy_normal(seeds, self.network_settings.z_dim)

    def _embeddings(self) -> Tensor:
        table: Any = self.network.embedding
        return torch.zeros(0, 0, device=self.device) if table is None else table.weight

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes[:, 0])
        return images
