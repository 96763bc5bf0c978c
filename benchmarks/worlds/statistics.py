"""How pictures and captions lie in an embedder's space, as it is published of CLIPs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

RIDGE = 1e-2
"""Of the linear classifier, as a part of the mean variance."""


def statistics(pictures: Tensor, captions: Tensor) -> Mapping[str, float]:
    """Mean cosines, the distance of the centroids, how often a line parts the two, and recall.

    Args:
        pictures, captions: embeddings (N, E) of N pictures and of a caption of each.
    """
    seen, read = F.normalize(pictures, dim=1), F.normalize(captions, dim=1)
    num = len(seen)
    cosines = seen @ read.T
    blocks = torch.arange(num // 256 * 256).view(-1, 256)
    found = [(seen[rows] @ read[rows].T).argmax(0) == torch.arange(256) for rows in blocks]
    return {
        "true pairs": float(cosines.diagonal().mean()),
        "any pair": _others(cosines),
        "pictures": _others(seen @ seen.T),
        "texts": _others(read @ read.T),
        "centroids apart": float((seen.mean(0) - read.mean(0)).norm()),
        "separable": _separable(seen, read),
        "recall of 256": float(torch.cat(found).float().mean()),
    }


def _others(cosines: Tensor) -> float:
    """The mean off the diagonal."""
    num = len(cosines)
    return float((cosines.sum() - cosines.diagonal().sum()) / (num * (num - 1)))


def _separable(seen: Tensor, read: Tensor) -> float:
    """The share of every other embedding whose modality a line fitted to the rest tells."""
    x = torch.cat([seen, read]).double()
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], dim=1)
    y = torch.cat([torch.ones(len(seen)), -torch.ones(len(read))]).double()
    even = RIDGE * x[0::2].var(dim=0).mean() * len(x) / 2 * torch.eye(x.shape[1], dtype=x.dtype)
    line = torch.linalg.solve(x[0::2].T @ x[0::2] + even, x[0::2].T @ y[0::2])
    return float(((x[1::2] @ line) * y[1::2] > 0).double().mean())
