"""Noise for networks that are trained with fresh noise at every picture.

A picture of ours follows from its latent alone. So the maps are drawn once, from a fixed seed, and
stay with the network, as StyleGAN2's do.
"""

from __future__ import annotations

import torch
from torch import Tensor


class FixedNoise:
    """Standard normal maps, the same in each run."""

    def __init__(self) -> None:
        self._draws = torch.Generator().manual_seed(0)

    def __call__(self, size: int) -> Tensor:
        """The next map, (size, size)."""
        return torch.randn(size, size, generator=self._draws)
