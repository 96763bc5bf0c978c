"""How pictures and captions lie in an embedder's space, as it is published of CLIPs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

RIDGE = 1e-4
"""Of linear maps, as a part of the mean square of their input."""


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


def read_by_a_line(codes: Tensor, values: Tensor) -> float:
    """How much of what chance leaves open a linear map tells of values (N,), from codes (N, D).

    It is fitted to every other one, and tried on the rest.
    """
    x = codes.double() - codes.double().mean(dim=0)
    x = torch.cat([x / x.std(dim=0).clamp_min(1e-6), torch.ones(len(x), 1)], dim=1)
    wanted = F.one_hot(values).double()
    line = _fitted(x[0::2], wanted[0::2])
    right = float(((x[1::2] @ line).argmax(dim=1) == values[1::2]).double().mean())
    common = float(wanted[1::2].mean(dim=0).max())
    return (right - common) / max(1 - common, 1e-6)


def apart(values: Tensor, others: Tensor) -> float:
    """The total variation of two samples of whole numbers."""
    num = int(torch.cat([values, others]).max()) + 1
    shares = [v.bincount(minlength=num).double() / len(v) for v in (values, others)]
    return float((shares[0] - shares[1]).abs().sum() / 2)


def _others(cosines: Tensor) -> float:
    """The mean off the diagonal."""
    num = len(cosines)
    return float((cosines.sum() - cosines.diagonal().sum()) / (num * (num - 1)))


def _separable(seen: Tensor, read: Tensor) -> float:
    """The share of every other embedding whose modality a line fitted to the rest tells."""
    x = torch.cat([seen, read]).double()
    x = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    y = torch.cat([torch.ones(len(seen)), -torch.ones(len(read))]).double()
    line = _fitted(x[0::2], y[0::2])
    return float(((x[1::2] @ line) * y[1::2] > 0).double().mean())


def _fitted(x: Tensor, y: Tensor) -> Tensor:
    """The linear map from rows x to rows y, held small."""
    covariance = x.T @ x
    even = RIDGE * covariance.diagonal().mean() * torch.eye(len(covariance), dtype=x.dtype)
    return torch.linalg.solve(covariance + even, x.T @ y)
