"""The latents of an exported network: its z, and behind it the class where it draws several.

Shapes: B batch, K codes, D width of one, L classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput
from c2l_exported.facts import Facts

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Latents:
    """Draws latents, and takes them apart again.

    A class is part of the latent, as zeros and a one: so text chooses it as it chooses the rest.

    Args:
        shape: of z, without the batch. Two sizes are codes and their width.
        num_labels: L; 0 where there are no classes, or one is given.
        facts: how z is distributed.
    Raises:
        BadInput: the facts do not fit the shape.
    """

    shape: tuple[int, ...]
    num_labels: int
    facts: Facts

    def __post_init__(self) -> None:
        if self.num_labels and self.num_codes > 1:
            raise BadInput(
                "a latent of several codes leaves no room for classes",
                hint="Choose one with label = 0 in the TOML",
            )
        for name in ("mean", "std"):
            value = getattr(self.facts, name)
            if isinstance(value, tuple) and len(value) not in (self.shape[-1], self.size):
                raise BadInput(
                    f"the TOML gives {len(value)} numbers as {name} of a latent of {self.size}",
                    hint="Give one number, or one for each",
                )

    @property
    def num_codes(self) -> int:
        return self.shape[0] if len(self.shape) == 2 else 1

    @property
    def size(self) -> int:
        """Of z alone."""
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        return self.size // self.num_codes + self.num_labels

    def draw(self, seeds: Sequence[int], classes: Sequence[int] | None = None) -> Tensor:
        """Float32, (B, K, D); row i depends on ``seeds[i]`` alone.

        Args:
            classes: B numbers below L; None draws them as well.
        """
        normal = c2l.draw_normal(seeds, self.size + bool(self.num_labels)).double()
        z, facts = normal[:, : self.size], self.facts
        if facts.distribution == "uniform":
            low, high = facts.between
            z = low + (high - low) * torch.special.ndtr(z)
        else:
            if facts.distribution == "truncated":
                tail = _below(-facts.cut)
                z = torch.special.ndtri(tail + (1 - 2 * tail) * torch.special.ndtr(z))
            z = self._spread("mean") + self._spread("std") * z
        z = z.float().reshape(len(seeds), self.num_codes, -1)
        if not self.num_labels:
            return z
        drawn = c2l.Classes(self.num_labels).draw(seeds) if classes is None else classes
        return torch.cat([z, self._labels(drawn)], dim=2)

    def classes_of(self, latents: Tensor) -> Tensor:
        """The largest of the last L numbers, int64, (B,)."""
        return latents[:, 0, self.width - self.num_labels :].argmax(dim=1)

    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        """The same z of these classes; latents that are of theirs stay as they are."""
        other = self.classes_of(latents) != torch.tensor(list(classes), device=latents.device)
        labels = self._labels(classes).to(latents)
        moved = torch.cat([latents[..., : self.width - self.num_labels], labels], dim=2)
        return torch.where(other[:, None, None], moved, latents)

    def _labels(self, classes: Sequence[int]) -> Tensor:
        """Zeros and a one, (B, 1, L)."""
        return torch.eye(self.num_labels)[list(classes)][:, None]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of what ``draw`` gives, float32, (K, D)."""
        facts = self.facts
        if facts.distribution == "uniform":
            low, high = facts.between
            mean = torch.full((self.size,), (low + high) / 2, dtype=torch.float64)
            std = torch.full((self.size,), (high - low) / math.sqrt(12), dtype=torch.float64)
        else:
            narrowed = 1.0
            if facts.distribution == "truncated":
                density = math.exp(-(facts.cut**2) / 2) / math.sqrt(2 * math.pi)
                inside = 1 - 2 * _below(-facts.cut)
                narrowed = math.sqrt(1 - 2 * facts.cut * density / inside)
            mean, std = self._spread("mean"), self._spread("std") * narrowed
        share = 1 / self.num_labels if self.num_labels else 0.0
        of_labels = torch.ones(self.num_codes, self.num_labels, dtype=torch.float64)
        pairs = ((mean, share), (std, math.sqrt(share * (1 - share))))
        mean, std = (
            torch.cat([z.reshape(self.num_codes, -1), value * of_labels], dim=1).float()
            for z, value in pairs
        )
        return mean, std

    def take_apart(self, latents: Tensor) -> tuple[Array, Array]:
        """Float32 z, (B, *shape), and int64 classes, (B,), from latents (B, K, D).

        The class is the largest of the last L numbers, whatever a prior made of zeros and one.
        """
        rows = latents.detach().cpu().float()
        width = self.width - self.num_labels
        z = rows[:, :, :width].reshape(-1, *self.shape).numpy()
        if self.num_labels:
            return z, self.classes_of(rows).numpy()
        return z, np.full(len(rows), self.facts.label or 0, np.int64)

    def _spread(self, name: str) -> Tensor:
        """``mean`` or ``std`` of each number of z."""
        value = torch.tensor(getattr(self.facts, name), dtype=torch.float64).reshape(-1)
        return value.repeat(self.size // len(value))


def noise_seeds(latents: Tensor) -> list[int]:
    """A seed for the noise of each picture, which follows from its latent.

    So noise depends neither on the batch nor on anything outside. The seed is the order of the
    latent's first numbers by size, which rounding leaves as it is.
    """
    order = latents.detach().cpu().flatten(1)[:, :8].argsort(dim=1)
    places = 8 ** torch.arange(order.shape[1])
    return [int(seed) for seed in (order * places).sum(dim=1)]


def _below(value: float) -> float:
    return float(torch.special.ndtr(torch.tensor(value, dtype=torch.float64)))
