"""Filters as banded matrices, for products that keep a CPU busy.

A filter along an axis is a matrix with the same numbers in each row, shifted. So a block of
outputs is a small dense matrix times a window of the inputs, all blocks share that matrix, and
products of matrices do the work: several times faster than convolutions channel by channel.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 8  # outputs of a block: more would multiply zeros, fewer leave the processor waiting
_NEGLIGIBLE = 1e-6  # singular values below this part of the largest


class BandedFilters:
    """Filters of one length along one axis: a matrix for each block of outputs.

    With ``up``, zeros stand between the inputs; with ``down``, outputs are left out. A filter t of
    n taps makes y[i] = sum over j of t[n - 1 - (up * j + phase - down * i)] * x[j] of x.

    Attributes:
        block, step: outputs of a block, and by how many inputs the next one starts later.
        matrices: (R, block, inputs of a block) for the R filters.
    """

    def __init__(self, filters: Tensor, *, up: int = 1, down: int = 1, phase: int = 0) -> None:
        """``filters`` (R, n); ``phase`` below ``up``, the zeros before the first input."""
        self.num_taps, self.up, self.down, self.phase = filters.shape[1], up, down, phase
        self.block = -(-_BLOCK // up) * up
        self.step = self.block * down // up
        outputs, inputs = torch.arange(self.block), torch.arange(self.inputs(self.block))
        tap = self.num_taps - 1 - (up * inputs + phase - down * outputs[:, None])
        inside = (tap >= 0) & (tap < self.num_taps)
        self.matrices = filters[:, tap.clamp(0, self.num_taps - 1)] * inside

    def inputs(self, outputs: int) -> int:
        """The number of inputs that this many outputs depend on."""
        return (self.down * (outputs - 1) - self.phase + self.num_taps - 1) // self.up + 1

    def blocks(self, outputs: int) -> int:
        """The number of blocks that hold this many outputs."""
        return -(-outputs // self.block)


def windows(x: Tensor, blocks: int, width: int, step: int) -> Tensor:
    """A view (blocks, width, C) of the rows of x (n, C), each ``step`` rows after the last."""
    return x.as_strided((blocks, width, x.shape[1]), (step * x.stride(0), x.stride(0), 1))


def separable(taps: Tensor) -> tuple[Tensor, Tensor]:
    """Filters down and across, (R, n) each, whose outer products sum to ``taps``, (n,) or (n, n).

    A windowed jinc has two to five singular values that float32 can tell from zero.
    """
    if taps.ndim == 1:
        return taps[None], taps[None]
    u, s, v = torch.linalg.svd(taps.double())
    rank = int((s > _NEGLIGIBLE * s[0]).sum())
    root = s[:rank].sqrt()
    return (u[:, :rank] * root).T.to(taps), (v[:rank] * root[:, None]).to(taps)
