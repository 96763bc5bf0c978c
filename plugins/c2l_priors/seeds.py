"""Randomness of a batch of samples, each row from its own seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class SeededNormal:
    """Standard normal numbers, row i from a CPU generator of its own.

    Args:
        seeds: B of them.
        device: where the numbers are wanted.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._device = device

    def __call__(self, width: int) -> Tensor:
        """The next numbers, float32, shape (B, ``width``)."""
        rows = [torch.randn(width, generator=rng) for rng in self._rngs]
        return torch.stack(rows).to(self._device) if rows else torch.empty(0, width)
