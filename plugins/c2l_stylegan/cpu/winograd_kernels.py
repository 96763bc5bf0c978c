"""Kernels at the points of Winograd's algorithm.

They take four times the memory of the weights and about as long to make as a tenth of the products
that they are for. No style is in them, so they are the same for each image.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from c2l import pack_linear
from c2l_stylegan.cpu.kept import kept
from c2l_stylegan.cpu.scratch import Scratch

Kernels: TypeAlias = list[list[Tensor]]
"""A matrix (O, I) for each point down, and for each across."""

_AT_ONCE = 64  # outputs whose kernels are taken to the points together: they fit the cache
_ROWS = 256  # tiles that a product is expected to have


def kernels_at_points(weight: Tensor, to_points: Tensor, scratch: Scratch) -> Kernels:
    """The kernels of weights (O, I, 3, 3).

    Args:
        to_points: (points, 3), evaluates a kernel along one axis.
        scratch: holds the kernels.
    """
    outputs, inputs = weight.shape[:2]
    num = len(to_points)
    both = torch.kron(to_points, to_points)
    taps = weight.permute(0, 2, 3, 1).reshape(outputs, 9, inputs)
    # A buffer for each point down: the C library keeps none that holds all.
    found = [scratch.take(f"kernels {i}", num, outputs, inputs) for i in range(num)]
    for some in range(0, outputs, _AT_ONCE):
        part = taps[some : some + _AT_ONCE]
        evaluated = scratch.take("evaluated", len(part), num**2, inputs)
        torch.bmm(both.expand(len(part), -1, -1), part, out=evaluated)
        rows = evaluated.unflatten(1, (num, num)).unbind(1)
        for kernels, row in zip(found, rows, strict=True):
            kernels[:, some : some + _AT_ONCE] = row.transpose(0, 1)
    return [list(kernels) for kernels in found]


def kept_kernels(weight: Tensor, to_points: Tensor) -> Kernels:
    """The same, made once for all images."""

    def make() -> Kernels:
        made = kernels_at_points(weight, to_points, Scratch(weight))
        return [[pack_linear(kernel, _ROWS) for kernel in row] for row in made]

    return kept(weight, "kernels at points", make)
