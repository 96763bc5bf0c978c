"""Projected GAN as a c2l generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

import c2l
from c2l_gans.families.fastgan import FastGAN
from c2l_gans.files import projected_gan
from c2l_gans.generator import check_noise
from c2l_stylegan.shared import numpy_normal, unit_rms


class ProjectedGAN(FastGAN):
    """The FastGAN and FastGAN-lite generators of Projected GAN (Sauer et al. 2021).

    The latent is what the first layer takes: noise of a root mean square of one, and after it, in a
    network with classes, the embedding of a class.
    """

    family = "Projected GAN"
    reader = projected_gan

    @property
    def _layout(self) -> c2l.LatentLayout:
        width = self.network_settings.z_dim
        return c2l.LatentLayout(1, 2 * width if self.network_settings.num_classes else width, (1,))

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """Mean and deviation of the noise, and of the embeddings of the classes."""
        width, table = self.network_settings.z_dim, self.network.embedding
        mean, std = torch.zeros(width, device=self.device), torch.ones(width, device=self.device)
        if table is not None:
            rows = table.weight.detach()
            mean = torch.cat([mean, rows.mean(dim=0)])
            std = torch.cat([std, rows.std(dim=0, unbiased=False)])
        return c2l.LatentSpace(1, len(mean), (1,), mean[None], std[None])

    def map(self, z: Tensor, classes: Sequence[int] | None = None) -> Tensor:
        """Latents of noise.

        Args:
            z: float32, shape (B, z_dim), standard normal.
            classes: B numbers of classes; None is the first, and right without classes.
        Returns:
            float32, shape (B, 1, D).
        Raises:
            BadInput: the shape does not fit.
        """
        z = check_noise(z, self.network_settings.z_dim).to(self.device, torch.float32)
        code = unit_rms(z)
        if self.network.embedding is not None:
            numbers = torch.tensor(classes or [0] * len(z), device=self.device)
            code = torch.cat([code, self.network.embedding(numbers)], dim=1)
        return code[:, None]

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents as the official script does: z from numpy's ``RandomState`` of each seed."""
        num = self.network_settings.num_classes
        classes = [seed % num for seed in seeds] if num else None
        return self.map(numpy_normal(seeds, self.network_settings.z_dim), classes)

    def _draw(self, codes: Tensor) -> Tensor:
        width = self.network_settings.z_dim
        images: Tensor = self.network(codes[:, 0, :width], codes[:, 0, width:])
        return images
