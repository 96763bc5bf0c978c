"""BigGAN and BigGAN-deep as a c2l generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l_gans.class_codes import ClassCodes
from c2l_gans.files import biggan
from c2l_gans.networks.biggan import BigGANNetwork, BigGANSettings

_FARTHEST = 2.0
"""Where bounded noise ends."""


class BigGAN(ClassCodes):
    """BigGAN (Brock et al. 2019), with the statistics that its normalisations kept.

    Truncation is as in the paper: it scales the noise. A network that has statistics for each
    truncation draws with those; between two of them, with what lies between.
    """

    family = "BigGAN"
    settings_class = BigGANSettings
    network_class = BigGANNetwork
    reader = biggan

    @property
    def _layout(self) -> c2l.LatentLayout:
        settings = self.network_settings
        return c2l.LatentLayout(1, settings.z_dim + settings.class_width, (settings.num_layers,))

    @property
    def _noise_deviation(self) -> float:
        return _deviation() if self.network_settings.is_bounded else 1.0

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        z = c2l.draw_normal(seeds, self.network_settings.z_dim)
        return _bounded(z) if self.network_settings.is_bounded else z

    def _embeddings(self) -> Tensor:
        table: Any = self.network.embedding
        if table is None:
            return torch.eye(self.network_settings.num_classes, device=self.device)
        rows: Tensor = table.weight
        return rows

    def synthesize(
        self,
        latents: Tensor,
        *,
        truncation: float = 1.0,
        repeats: Sequence[int] | None = None,
    ) -> Tensor:
        """Draw the images of latents. Differentiable in the latents and in the weights.

        Args:
            latents: float32, shape (B, K, D), K as in ``latent_space``, or any K with ``repeats``.
            truncation: scales the noise: 1 leaves it, 0 gives the mean image of a class.
            repeats: for layer groups, K numbers that sum to the number of layers.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1].
        Raises:
            BadInput: the latents do not fit the latent space.
        """
        codes = self._codes(latents, truncation, repeats)
        images: Tensor = self.network(codes, truncation)
        return images

    def _draw(self, codes: Tensor) -> Tensor:
        images: Tensor = self.network(codes)
        return images


def _bounded(z: Tensor) -> Tensor:
    """Normal numbers as normal numbers between the bounds: the smallest is the smallest again."""
    outside = math.erfc(_FARTHEST / math.sqrt(2))
    share = torch.special.ndtr(z.double()) * (1 - outside) + outside / 2
    return torch.special.ndtri(share).to(z.dtype)


def _deviation() -> float:
    """Of bounded noise: known in closed form."""
    density = math.exp(-(_FARTHEST**2) / 2) / math.sqrt(2 * math.pi)
    share = math.erf(_FARTHEST / math.sqrt(2))
    return math.sqrt(1 - 2 * _FARTHEST * density / share)
