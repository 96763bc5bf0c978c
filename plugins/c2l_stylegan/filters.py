"""Low-pass filters: the resampling filter of StyleGAN2 and the Kaiser designs of StyleGAN3."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def resampling_filter(taps: tuple[Any, ...]) -> Tensor:
    """The buffer that StyleGAN2 stores for its taps: float32, sum one.

    Fewer than eight taps are stored as their outer product, more stay one row.
    """
    f = torch.as_tensor(taps if len(taps) else (1,), dtype=torch.float32)
    if f.ndim == 1 and f.numel() < 8:
        f = torch.outer(f, f)
    return f / f.sum()
