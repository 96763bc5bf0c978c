"""The random numbers of a picture, which depend only on its seed, from 0 to 2**64 - 1.

A CPU ``torch.Generator`` keeps only the low 32 bits of its seed. Seeds below 2**32 draw what it
gives; larger ones draw from numpy's Philox, keyed by all 64 bits, so that no two seeds are alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from c2l.errors import BadInput

NUM_SEEDS = 2**64
_SMALL = 2**32


def draw_normal(seeds: Sequence[int], width: int) -> Tensor:
    """Draw standard normal rows, each from its own seed.

    Args:
        seeds: B whole numbers from 0 to 2**64 - 1.
    Returns:
        float32, shape (B, ``width``), on the CPU; row i depends only on ``seeds[i]``.
    Raises:
        BadInput: a seed is out of range.
    """
    return SeededNormal(seeds, torch.device("cpu"))(width)


class SeededNormal:
    """Standard normal numbers, with a stream for each row: each call gives the next ones.

    Args:
        seeds: B whole numbers from 0 to 2**64 - 1, one for each row.
        device: of the result. The numbers are drawn on the CPU, so they are the same everywhere.
    Raises:
        BadInput: a seed is out of range.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._streams = [_stream(seed) for seed in seeds]
        self._device = device

    def __call__(self, width: int) -> Tensor:
        """The next numbers, float32, shape (B, ``width``)."""
        rows = [_normal(stream, width) for stream in self._streams]
        return (torch.stack(rows) if rows else torch.empty(0, width)).to(self._device)


class NormalBetween:
    """Standard normal numbers on the way from those of one seed to those of another, row by row.

    The way is an arc. On a straight line the numbers would shrink halfway, and a prior would be
    asked about noise that it never saw. Rows whose two seeds are one stay as they are.

    Args:
        start, end: B seeds each.
        at: B numbers from 0, the start, to 1.
        device: of the result.
    """

    def __init__(
        self, start: Sequence[int], end: Sequence[int], at: Sequence[float], device: torch.device
    ) -> None:
        self.start, self.end = SeededNormal(start, device), SeededNormal(end, device)
        turns = [where * (a != b) for a, b, where in zip(start, end, at, strict=True)]
        angles = torch.tensor(turns, device=device)[:, None] * (torch.pi / 2)
        self._from_start, self._from_end = angles.cos(), angles.sin()

    def __call__(self, width: int) -> Tensor:
        """The next numbers, float32, shape (B, ``width``)."""
        return self._from_start * self.start(width) + self._from_end * self.end(width)


def draw_index(weights: Tensor, seed: int) -> int:
    """Draw an index from 0 to N - 1.

    Args:
        weights: shape (N,), non-negative; an index is drawn in proportion to its weight.
        seed: a whole number from 0 to 2**64 - 1.
    Raises:
        BadInput: the seed is out of range.
    """
    stream, weights = _stream(seed), weights.cpu()
    if isinstance(stream, torch.Generator):
        return int(torch.multinomial(weights, 1, generator=stream))
    shares = weights.double().numpy()
    return int(stream.choice(len(shares), p=shares / shares.sum()))


def _stream(seed: int) -> torch.Generator | np.random.Generator:
    if not 0 <= seed < NUM_SEEDS:  # torch would take -1 for 2**64 - 1
        raise BadInput(
            f"{seed} is not a seed",
            hint="Seeds are whole numbers from 0 to 2**64 - 1",
            field="seeds",
        )
    if seed < _SMALL:
        return torch.Generator().manual_seed(seed)
    return np.random.Generator(np.random.Philox(key=seed))


def _normal(stream: torch.Generator | np.random.Generator, width: int) -> Tensor:
    if isinstance(stream, torch.Generator):
        return torch.randn(width, generator=stream)
    return torch.from_numpy(stream.standard_normal(width, dtype=np.float32))
