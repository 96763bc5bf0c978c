"""Several embeddings as one."""

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
