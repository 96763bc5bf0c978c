"""Convolutions on a CPU that yield their output by rows."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.winograd import Winograd


class RowConvolution(Protocol):
    """The full convolution (padded by k - 1) of an image (H, W, I) whose channels are scaled."""

    def rows(self, x: Tensor, styles: Tensor, first: int, last: int, scratch: Scratch) -> Tensor:
        """Rows ``first`` to ``last`` of the output: (last - first, W + k - 1, O).

        Args:
            x: (H, W, I), channels last in memory.
            styles: (I,), multiplied with the channels before.
            scratch: the caller's own, since several threads may call at once.
        Returns:
            a tensor that is valid until the next call with this scratch.
        """


def row_convolution(weight: Tensor, scratch: Scratch) -> RowConvolution:
    """The fastest for a kernel (O, I, k, k); ``scratch`` holds what it makes of the kernel."""
    size = weight.shape[-1]
    if size == 1:
        return _Pointwise(weight)
    return Winograd(weight, size - 1, scratch) if size == 3 else _Direct(weight)


class _Direct:
    def __init__(self, weight: Tensor) -> None:
        self.weight = weight

    def rows(self, x: Tensor, styles: Tensor, first: int, last: int, scratch: Scratch) -> Tensor:
        border = self.weight.shape[-1] - 1
        low, high = max(first - border, 0), min(last, len(x))
        image = (x[low:high] * styles).permute(2, 0, 1)[None]
        padding = (border, border, low - first + border, last - high)
        y = F.conv2d(F.pad(image, padding), self.weight)
        return y[0].permute(1, 2, 0)


class _Pointwise:
    def __init__(self, weight: Tensor) -> None:
        self.weight = weight[:, :, 0, 0].T

    def rows(self, x: Tensor, styles: Tensor, first: int, last: int, scratch: Scratch) -> Tensor:
        _, width, channels = x.shape
        scaled = scratch.take("scaled", last - first, width, channels)
        torch.mul(x[first:last], styles, out=scaled)
        y = scratch.take("convolved", last - first, width, self.weight.shape[1])
        torch.mm(scaled.flatten(0, 1), self.weight, out=y.flatten(0, 1))
        return y
