"""Normalisations that files hold and trained networks need no more: multiplied into weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from c2l.reading import Damaged

_SMALLEST = 1e-5
"""What torch's batch normalisation adds to variances."""


def spectral(take: Callable[[str], Tensor], name: str, *, dim: int = 0) -> Tensor:
    """The weight ``name`` in effect, of a layer with torch's spectral normalisation.

    Args:
        take: reads a tensor of the file.
        dim: the outputs' dimension: 1 for a transposed convolution, else 0.
    """
    weight, u, v = (take(f"{name}_{part}") for part in ("orig", "u", "v"))
    matrix = weight.movedim(dim, 0).flatten(1)
    if u.shape != matrix.shape[:1] or v.shape != matrix.shape[1:]:
        raise Damaged(f"the spectral normalisation of {name} does not fit it")
    return weight / torch.dot(u, torch.mv(matrix, v))


def iterated(weight: Tensor, start: Tensor, name: str) -> Tensor:
    """A weight in effect whose spectral norm is found by a step from a vector (1, O)."""
    matrix = weight.flatten(1)
    if start.shape != (1, len(matrix)):
        raise Damaged(f"{name} does not fit the weights that it belongs to")
    along = torch.nn.functional.normalize(start @ matrix)
    return weight / torch.linalg.vector_norm(along @ matrix.T)


def batch(
    take: Callable[[str], Tensor],
    name: str,
    *,
    mean: str = "running_mean",
    var: str = "running_var",
) -> tuple[Tensor, Tensor]:
    """Gain and bias (C,) that a trained batch normalisation amounts to, before its own two."""
    gain = (take(f"{name}.{var}") + _SMALLEST).rsqrt()
    return gain, -take(f"{name}.{mean}") * gain


def affine(take: Callable[[str], Tensor], norm: str) -> tuple[Tensor, Tensor]:
    """Gain and bias of a whole batch normalisation."""
    gain, bias = batch(take, norm)
    own = take(f"{norm}.weight")
    if own.shape != gain.shape:
        raise Damaged(f"{norm}.weight has shape {tuple(own.shape)}")
    return gain * own, bias * own + take(f"{norm}.bias")


def scaled(weight: Tensor, gain: Tensor) -> Tensor:
    """A kernel (O, I, h, w), its outputs multiplied by ``gain`` (O,)."""
    if len(weight) != len(gain):
        raise Damaged(f"a normalisation of {len(gain)} channels follows {len(weight)}")
    return weight * gain[:, None, None, None]
