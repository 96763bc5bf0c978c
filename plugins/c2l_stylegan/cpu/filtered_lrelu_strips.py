"""The filtered leaky ReLU of StyleGAN3 on a CPU, in strips.

At the upsampled rate features are several times larger than what comes in and goes out; to write
and read them takes longer than to compute them. So they never exist as a whole: a strip of rows
of the output is taken from the convolution, through both filters, to the end, and where the
nonlinearity is, in pieces that stay in the processor's own caches.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l_stylegan.cpu.banded_filters import BandedFilters, separable, windows
from c2l_stylegan.cpu.row_convolutions import RowConvolution
from c2l_stylegan.cpu.scratch import Scratch

# Numbers in a strip of the output, at the upsampled width. Rows at its borders are computed twice.
_STRIP = 5 << 20
_ACTIVE = 3 << 17  # numbers that pass the nonlinearity together


class Geometry(Protocol):
    """What decides a filtered leaky ReLU besides its filters; see ``networks.filtered_lrelu``."""

    up: int
    down: int
    in_size: tuple[int, int]
    out_size: tuple[int, int]
    slope: float
    gain: float
    clamp: float | None

    def padding(self, up_taps: int, down_taps: int, *, axis: int) -> tuple[int, int]:
        """Zeros to add (negative: samples to cut) before and after, at the upsampled rate."""


class LayerInStrips:
    """One layer: what its images share.

    Args:
        convolution: yields the rows of what comes in.
        geometry: sizes, factors and the nonlinearity.
        up_filter, down_filter: taps (n,); (n, n) for a filter down that is not separable.
    """

    def __init__(
        self,
        convolution: RowConvolution,
        geometry: Geometry,
        up_filter: Tensor,
        down_filter: Tensor,
    ) -> None:
        self.convolution, self.geometry = convolution, geometry
        g = geometry
        low = [g.padding(len(up_filter), len(down_filter), axis=axis)[0] for axis in (0, 1)]
        up = (up_filter * g.up)[None]
        down_rows, down_columns = separable(down_filter)
        # A leaky ReLU commutes with positive factors.
        self.up_rows = BandedFilters(up * g.gain, up=g.up, phase=low[0] % g.up)
        self.up_columns = BandedFilters(up, up=g.up, phase=low[1] % g.up)
        self.down_rows = BandedFilters(down_rows, down=g.down)
        self.down_columns = BandedFilters(down_columns, down=g.down)
        self.rank = len(down_rows)
        self.down_rows_matrix = self.down_rows.matrices.transpose(0, 1).flatten(0, 1)
        # Where the first sample of the upsampled image starts in the input; negative: before it.
        self.first_row, self.first_column = (-(n // g.up) for n in low)
        self.blocks_out = self.down_columns.blocks(g.out_size[1])
        needed = self.down_columns.inputs(self.blocks_out * self.down_columns.block)
        self.blocks_up = self.up_columns.blocks(needed)
        self.width = self.blocks_up * self.up_columns.block

    def run(
        self,
        x: Tensor,
        styles: Tensor,
        scale: Tensor,
        bias: Tensor,
        out: Tensor,
        rows: range,
        scratch: Scratch,
    ) -> None:
        """One image x (H, W, I) to rows of ``out`` (H', W', O): x * styles, * scale + bias.

        ``rows`` start at a multiple of ``geometry.up``.
        """
        g, channels = self.geometry, out.shape[2]
        length = self.width * channels
        strip = self._rows_of_a_strip(length, len(rows))
        most = self.down_rows.inputs(strip)
        blocks = self.up_rows.blocks(most)
        taken = self.up_rows.inputs(blocks * self.up_rows.block)
        widened = scratch.take("widened", taken, length)
        held = self.first_row + rows.start * g.down // g.up
        for start in rows[::strip]:
            num = min(strip, rows.stop - start)
            upsampled = self.down_rows.inputs(num)
            first = self.first_row + start * g.down // g.up
            last = first + self.up_rows.inputs(upsampled)
            kept = held - first
            for i in range(kept):
                widened[i] = widened[strip * g.down // g.up + i]
            fresh = widened[kept : last - first]
            self._widen(x, styles, scale, bias, first + kept, fresh, scratch)
            widened[last - first :] = 0  # the last block's matrix has zeros there
            held = last
            narrowed = self._nonlinearity(widened, upsampled, num, scratch)
            self._narrow(narrowed, out[start : start + num], scratch)

    def _rows_of_a_strip(self, length: int, height: int) -> int:
        num = -(-height * length // _STRIP)
        up = self.geometry.up
        return -(-height // (num * up)) * up  # strips start at whole samples of the input

    def _widen(
        self,
        x: Tensor,
        styles: Tensor,
        scale: Tensor,
        bias: Tensor,
        first: int,
        out: Tensor,
        scratch: Scratch,
    ) -> None:
        """Convolve, then upsample along the width: the rows from ``first`` on, to ``out``."""
        band, (height, width) = self.up_columns, self.geometry.in_size
        low, high = max(first, 0), min(first + len(out), height)
        for line in (*out[: low - first], *out[max(high - first, 0) :]):
            line.zero_()
        if low >= high:
            return
        padded = scratch.take("wide", band.inputs(self.width), len(bias)).zero_()
        left, skip = max(-self.first_column, 0), max(self.first_column, 0)
        inner = padded[left : left + width - skip]
        rows = self.convolution.rows(x, styles, low, high, scratch)[:, skip : skip + len(inner)]
        tiles = windows(padded, self.blocks_up, band.matrices.shape[2], band.step)
        matrices = band.matrices.expand(self.blocks_up, -1, -1)
        for row, line in zip(rows, out[low - first :], strict=False):
            torch.addcmul(bias, row, scale, out=inner)
            torch.bmm(matrices, tiles, out=line.view(self.blocks_up, band.block, -1))

    def _nonlinearity(self, widened: Tensor, upsampled: int, num: int, scratch: Scratch) -> Tensor:
        """Upsample along the height, activate, downsample: (num, rank, L)."""
        g, up, down = self.geometry, self.up_rows, self.down_rows
        length, blocks = widened.shape[1], up.blocks(upsampled)
        narrowed = scratch.take("narrowed", num * self.rank, length)
        matrices = up.matrices.expand(blocks, -1, -1)
        chunk = max(_ACTIVE // (blocks * up.block), 1)
        for start in range(0, length, chunk):
            piece = slice(start, min(start + chunk, length))
            source = windows(widened[:, piece], blocks, up.matrices.shape[2], up.step)
            active = scratch.take("active", blocks, up.block, source.shape[2])
            torch.bmm(matrices, source, out=active)
            if g.slope != 1:
                F.leaky_relu_(active, g.slope)
            if g.clamp is not None:
                active.clamp_(-g.clamp, g.clamp)
            active, target = active.flatten(0, 1), narrowed[:, piece]
            for i in range(0, num, down.block):
                n = min(down.block, num - i)
                seen = down.inputs(n)
                matrix = self.down_rows_matrix[: n * self.rank, :seen]
                inputs = active[i * down.down : i * down.down + seen]
                torch.mm(matrix, inputs, out=target[i * self.rank : (i + n) * self.rank])
        return narrowed.view(num, self.rank, length)

    def _narrow(self, narrowed: Tensor, out: Tensor, scratch: Scratch) -> None:
        """Downsample along the width: (num, rank, L) to (num, W', O)."""
        band, blocks = self.down_columns, self.blocks_out
        channels = out.shape[2]
        y = scratch.take("line", blocks, band.block, channels)
        for row, line in zip(narrowed, out, strict=True):
            for k, (matrix, part) in enumerate(zip(band.matrices, row, strict=True)):
                tiles = windows(part.view(-1, channels), blocks, matrix.shape[1], band.step)
                torch.baddbmm(y, matrix.expand(blocks, -1, -1), tiles, beta=int(k > 0), out=y)
            line.copy_(y.flatten(0, 1)[: len(line)])
