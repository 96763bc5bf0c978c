"""Latents w of a mapping network: one code, repeated over all layers, as in StyleGAN."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l_gans.generator import GAN
from c2l_gans.networks.settings import NetworkSettings
from c2l_stylegan.shared import NUM_MEASURED, MeasuredLatents, check_noise, numpy_normal


class MappedLatents(MeasuredLatents, GAN):
    """Base of families whose network has a ``mapping``, ``num_ws`` and ``w_dim``.

    Of its settings it needs ``z_dim`` and ``num_classes``.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        num = self.network_settings.num_classes
        self.classes = c2l.Classes(num) if num else None

    @abstractmethod
    def _mapped(self, z: Tensor, classes: Tensor | None) -> Tensor:
        """z (B, z_dim) and numbers of classes (B,), where there are any, to w (B, w_dim)."""

    def _sizes(self) -> Mapping[str, Any]:
        settings, network = self.network_settings, self.network
        widths = {"w_dim": network.w_dim, "num_ws": network.num_ws}
        return {"z_dim": settings.z_dim, **widths, "classes": settings.num_classes}

    @property
    def _layout(self) -> c2l.LatentLayout:
        width: Any = self.network.w_dim
        num: Any = self.network.num_ws
        return c2l.LatentLayout(1, width, (num,))

    def map(self, z: Tensor, classes: Sequence[int] | None = None) -> Tensor:
        """Map noise to latents.

        Args:
            z: float32, shape (B, z_dim), standard normal.
            classes: B numbers of classes; None for a network without.
        Returns:
            float32, shape (B, 1, w_dim).
        Raises:
            BadInput: they do not fit the network or each other.
        """
        z = check_noise(z, self.network_settings.z_dim).to(self.device, torch.float32)
        given = 0 if classes is None else len(classes)
        if given != (len(z) if self.classes else 0):
            raise BadInput(f"{given} classes are given for {len(z)} latents", field="class_labels")
        numbers = None
        if self.classes is not None and classes is not None:
            chosen = [self.classes.number(number) for number in classes]
            numbers = torch.tensor(chosen, dtype=torch.int64, device=self.device)
        return self._mapped(z, numbers)[:, None]

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents w: z from numpy's ``RandomState`` of each seed, and a class for each.

        Args:
            seeds: B whole numbers from 0 to 2**64 - 1; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, 1, w_dim).
        Raises:
            BadInput: a seed is out of range.
        """
        z = numpy_normal(seeds, self.network_settings.z_dim)
        return self.map(z, self.classes.draw(seeds) if self.classes else None)

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """Draw latents w of given classes; a seed has the same z for each class.

        Raises:
            BadInput: a seed is out of range, there is no such class, or there are none at all.
        """
        if self.classes is None:
            return super().sample_class_latents(seeds, classes)
        return self.map(numpy_normal(seeds, self.network_settings.z_dim), classes)

    def _latents_to_measure(self) -> Tensor:
        return self.sample_latents(range(NUM_MEASURED))[:, 0]
