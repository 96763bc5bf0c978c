"""Several embeddings as one, and points between two."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


def blend_embeddings(rows: Tensor, weights: Tensor) -> Tensor:
    """Embeddings (..., M, E) and their weights (M,) to one, (..., E).

    It points to the weighted mean of their directions, and has the weighted mean of their lengths.
    """
    if len(weights) == 1:
        return rows[..., 0, :]
    weights = weights / weights.sum()
    lengths = torch.linalg.vector_norm(rows, dim=-1) @ weights
    return lengths[..., None] * normalize(weights @ normalize(rows, dim=-1), dim=-1)


def slerp(start: Tensor, end: Tensor, at: Tensor) -> Tensor:
    """Interpolate along the arc between the directions of rows (..., D), and between their lengths.

    Args:
        at: how far, as in ``torch.lerp``: 0 is ``start``, 1 is ``end``.
    """
    lengths = [x.norm(dim=-1, keepdim=True) for x in (start, end)]
    a, b = normalize(start, dim=-1), normalize(end, dim=-1)
    angle = (a * b).sum(dim=-1, keepdim=True).clamp(-1, 1).acos()
    sine = angle.sin()
    arc = (((1 - at) * angle).sin() * a + (at * angle).sin() * b) / sine.clamp_min(1e-6)
    unit = torch.where(sine > 1e-4, arc, torch.lerp(a, b, at))
    return torch.lerp(lengths[0], lengths[1], at) * unit
