"""Latents that are noise and, in a network with classes, the embedding of one after it.

So the class is a part of the latent: drawn with the seed, stored with pairs, and chosen by text.
Between two embeddings there are pictures too; nothing here moves a latent to the nearest one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l_gans.generator import GAN
from c2l_gans.networks.settings import NetworkSettings
from c2l_stylegan.shared import check_noise, numpy_normal


class ClassCodes(GAN):
    """Base of families with such latents; of its settings it needs ``z_dim``, ``num_classes``."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        num = self.network_settings.num_classes
        self.classes = c2l.Classes(num) if num else None

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        """Noise of seeds (B, z_dim), as the official code draws it: NVIDIA's and its heirs'."""
        return numpy_normal(seeds, self.network_settings.z_dim)

    def _embeddings(self) -> Tensor:
        """The embedding of each class (num, E), in a network with classes."""
        rows: Tensor = self.network.embedding.weight
        return rows

    @property
    def _noise_deviation(self) -> float:
        return 1.0

    def _sizes(self) -> Mapping[str, Any]:
        settings = self.network_settings
        return {"z_dim": settings.z_dim, "classes": settings.num_classes}

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """Mean and deviation of the noise, and of the embeddings of classes as they are drawn."""
        layout, width = self._layout, self.network_settings.z_dim
        mean = torch.zeros(width, device=self.device)
        std = torch.full_like(mean, self._noise_deviation)
        if self.classes is not None:
            table = self._embeddings()
            mean = torch.cat([mean, table.mean(dim=0)])
            std = torch.cat([std, table.std(dim=0, unbiased=False)])
        return c2l.LatentSpace(1, layout.width, layout.repeats, mean[None], std[None])

    def centres(self, latents: Tensor) -> Tensor:
        """No noise, in the class of each latent."""
        width = self.network_settings.z_dim
        noise = torch.zeros_like(latents[..., :width])
        return torch.cat([noise, latents[..., width:]], dim=-1)

    def map(self, z: Tensor, classes: Sequence[int] | None = None) -> Tensor:
        """Latents of noise and classes.

        Args:
            z: float32, shape (B, z_dim).
            classes: B numbers of classes; None for a network without.
        Returns:
            float32, shape (B, 1, D).
        Raises:
            BadInput: they do not fit the network or each other.
        """
        codes = check_noise(z, self.network_settings.z_dim).to(self.device, torch.float32)
        if self.classes is None:
            if classes is not None:
                raise BadInput("this network has no classes", field="class_labels")
            return codes[:, None]
        if classes is None or len(classes) != len(z):
            raise BadInput(
                f"{0 if classes is None else len(classes)} classes are given for {len(z)} latents",
                hint=f"Give each a number from 0 to {self.classes.num - 1}",
                field="class_labels",
            )
        numbers = [self.classes.number(number) for number in classes]
        return torch.cat([codes, self._embeddings()[numbers]], dim=1)[:, None]

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw noise, and classes as training drew them.

        Args:
            seeds: B whole numbers from 0 to 2**64 - 1; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, 1, D).
        Raises:
            BadInput: a seed is out of range.
        """
        classes = self.classes.draw(seeds) if self.classes else None
        return self.map(self._noise(seeds), classes)

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """Draw noise for given classes: for one seed the same, whatever the class.

        Raises:
            BadInput: a seed or a class is out of range.
        """
        return self.map(self._noise(seeds), classes)

    def classes_of(self, latents: Tensor) -> Tensor:
        """The class (B,) whose embedding is nearest to that in latents (B, K, D)."""
        if self.classes is None:
            raise self._without_classes()
        told = latents[..., self.network_settings.z_dim :].mean(dim=1)
        return torch.cdist(told, self._embeddings().to(told)).argmin(dim=1)

    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        """The same noise in these classes, one for each latent."""
        if self.classes is None:
            raise self._without_classes()
        table = self._embeddings().to(latents)
        numbers = torch.tensor([int(number) for number in classes], device=table.device)
        changed = latents.clone()
        changed[..., self.network_settings.z_dim :] = table[numbers][:, None]
        return changed
