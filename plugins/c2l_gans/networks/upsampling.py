"""Doubling the resolution by repeating pixels, then a 3x3 convolution: in one step.

On repeated pixels several taps meet the same number. Added up beforehand, they make a transposed
convolution of stride two with 4x4 taps, which takes 16 multiplications for each pixel of the input
where the two steps take 36.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_SMALL = 4
"""Pixels along a side up to which a product of matrices is faster: what takes time are weights."""


def upsampling_kernel(weight: Tensor) -> Tensor:
    """The kernel (I, O, 4, 4) of both steps, from that (O, I, 3, 3) of the convolution."""
    meets = weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    return torch.einsum("ap,bq,oipq->ioab", meets, meets, weight)


def upsample_convolve(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """(B, I, H, W) to (B, O, 2H, 2W), with a kernel of ``upsampling_kernel``."""
    if max(x.shape[2:]) > _SMALL:
        return F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
    batch, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
    matrix = kernel.permute(0, 2, 3, 1).reshape(channels, -1)
    spread = (pixels @ matrix).view(batch, height, width, 4, 4, -1)
    y = spread.new_zeros(batch, 2 * height + 2, 2 * width + 2, kernel.shape[1])
    for i in range(4):
        for j in range(4):
            y[:, i : i + 2 * height : 2, j : j + 2 * width : 2] += spread[:, :, :, i, j]
    y = y[:, 1:-1, 1:-1]
    return (y if bias is None else y + bias).permute(0, 3, 1, 2)
