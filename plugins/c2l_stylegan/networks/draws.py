"""Noise as NVIDIA's scripts draw it, and as mappings take it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.ranges import MOST_SEED

_MOST_NUMPY_SEED = 2**32 - 1


def numpy_normal(seeds: Sequence[int], width: int) -> Tensor:
    """Standard normal rows, float32 (B, width), each from numpy's ``RandomState`` of its seed.

    Raises:
        BadInput: a seed is out of range.
    """
    rows = [_stream(seed).randn(width) for seed in seeds]
    return torch.from_numpy(np.array(rows, dtype=np.float32).reshape(-1, width))


def check_noise(z: Tensor, width: int) -> Tensor:
    """``z``, if it is of shape (B, width).

    Raises:
        BadInput: it is not.
    """
    if z.ndim != 2 or z.shape[1] != width:
        raise BadInput(f"z has shape (images, {width}), not {tuple(z.shape)}", field="z")
    return z


def _stream(seed: int) -> np.random.RandomState:
    """numpy's legacy generator, which takes integers of 32 bits, or several of them at once."""
    if not 0 <= seed <= MOST_SEED:
        raise BadInput(f"a seed is a whole number from 0 to {MOST_SEED}, not {seed}", field="seeds")
    if seed <= _MOST_NUMPY_SEED:
        return np.random.RandomState(seed)
    return np.random.RandomState([seed & _MOST_NUMPY_SEED, seed >> 32])
