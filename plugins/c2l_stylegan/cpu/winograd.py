"""3x3 convolutions on a CPU with a quarter of the multiplications, by Winograd's algorithm.

Winograd's minimal filtering (1980; for networks, Lavin and Gray 2015, arXiv:1509.09308) computes
4x4 outputs with 36 multiplications for each pair of channels instead of 144: tiles of the input and
the kernel are taken as polynomials and evaluated at six points, multiplied there, and interpolated.
Every step is a product of matrices. In float32 the rounding error is about twice that of the plain
sum.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from c2l import fast_linear, is_linear_fast
from c2l_stylegan.cpu.banded_filters import windows
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.winograd_kernels import kept_kernels, kernels_at_points

TILE = 4
"""Outputs along each axis that are computed together."""
# Rounding errors depend on the points; those of similar magnitude lose little (Barabasz et al.
# 2018, arXiv:1803.10986). The sixth is infinity.
_POINTS = (0.0, 11 / 16, -11 / 16, 3 / 2, -3 / 2)
_NUM = len(_POINTS) + 1
# With fewer channels the sums cost more than the products save; with fewer tiles, the kernels at
# the points, which take four times the memory of the weights.
_FEWEST_CHANNELS = 128
_FEWEST_PIXELS = 64 * TILE**2
# Products of fewer are slower; with more, less of what is between steps is still in the cache.
_TILES_AT_ONCE = 256


class Winograd:
    """The convolution with weights (O, I, 3, 3) of images whose channels are scaled.

    Args:
        padding: zeros on all four sides of an image, so that H rows become H + 2 * padding - 2.
        scratch: holds the kernels for as long as this object is used; without, they are kept for
            as long as the weights are.
    """

    def __init__(self, weight: Tensor, padding: int, scratch: Scratch | None = None) -> None:
        self.padding, self.num_outputs = padding, len(weight)
        self.to_points, kernel_to_points, self.from_points = (m.to(weight) for m in _transforms())
        if scratch is None:
            self.kernels = kept_kernels(weight, kernel_to_points)
        else:
            self.kernels = kernels_at_points(weight, kernel_to_points, scratch)

    @staticmethod
    def is_faster(weight: Tensor, pixels: int) -> bool:
        """Whether this is faster than an ordinary convolution, for images of ``pixels`` pixels."""
        is_large = min(weight.shape[:2]) >= _FEWEST_CHANNELS and pixels >= _FEWEST_PIXELS
        is_exact = weight.dtype == torch.float32
        return is_large and is_exact and weight.shape[2:] == (3, 3)

    @staticmethod
    def rows_at_once(columns: int) -> int:
        """How many rows of an output it is best to compute together."""
        return max(1, _TILES_AT_ONCE * TILE // columns) * TILE

    def rows(self, x: Tensor, styles: Tensor, first: int, last: int, scratch: Scratch) -> Tensor:
        """Rows ``first`` to ``last`` of the output: (last - first, W', O).

        Args:
            x: (H, W, I), channels last in memory.
            styles: (I,), multiplied with the channels before.
            scratch: the caller's own, since several threads may call at once.
        Returns:
            a tensor that is valid until the next call with this scratch.
        """
        columns = x.shape[1] + 2 * self.padding - 2
        down, across = -(-(last - first) // TILE), -(-columns // TILE)
        at_points = self._to_points(x, styles, first - self.padding, down, across, scratch)
        outputs = self.num_outputs
        products = scratch.take("products", _NUM, down, across * _NUM * outputs)
        sources = at_points.view(_NUM, down * across, _NUM, -1)
        targets = products.view(_NUM, down * across, _NUM, outputs)
        for i, kernels in enumerate(self.kernels):
            for j, kernel in enumerate(kernels):
                target = targets[i, :, j]
                if is_linear_fast(kernel):
                    target.copy_(fast_linear(sources[i, :, j], kernel))
                else:
                    torch.mm(sources[i, :, j], kernel.T, out=target)
        return self._from_points(products, down, across, scratch)[: last - first, :columns]

    def _to_points(
        self, x: Tensor, styles: Tensor, first: int, down: int, across: int, scratch: Scratch
    ) -> Tensor:
        """(points down, tiles down, tiles across * points across * I)."""
        height, width, channels = x.shape
        lines = scratch.take("lines", down * TILE + 2, across * _NUM * channels)
        padded = scratch.take("padded", across * TILE + 2, channels).zero_()
        inner = padded[self.padding : self.padding + width]
        tiles = windows(padded, across, _NUM, TILE)
        matrices = self.to_points.expand(across, -1, -1)
        for i, line in enumerate(lines, start=first):
            if 0 <= i < height:
                torch.mul(x[i], styles, out=inner)
                torch.bmm(matrices, tiles, out=line.view(tiles.shape))
            else:
                line.zero_()
        found = scratch.take("at_points", _NUM, down, lines.shape[1])
        for i in range(down):
            tile = lines[i * TILE : i * TILE + _NUM]
            torch.mm(self.to_points, tile, out=found[:, i])
        return found

    def _from_points(self, products: Tensor, down: int, across: int, scratch: Scratch) -> Tensor:
        """(rows, columns, O)."""
        lines = scratch.take("lines", down * TILE, products.shape[2])
        for i in range(down):
            torch.mm(self.from_points, products[:, i], out=lines[i * TILE : (i + 1) * TILE])
        y = scratch.take("convolved", len(lines), across * TILE, self.num_outputs)
        matrices = self.from_points.expand(across, -1, -1)
        for line, row in zip(lines, y, strict=True):
            torch.bmm(matrices, line.view(across, _NUM, -1), out=row.view(across, TILE, -1))
        return y


@cache
def _transforms() -> tuple[Tensor, Tensor, Tensor]:
    """To points, (6, 6) of a tile and (6, 3) of a kernel; and back, (4, 6) to outputs; float64."""
    points = torch.tensor(_POINTS, dtype=torch.float64)

    def evaluate(coefficients: int) -> Tensor:
        # At infinity, the leading coefficient remains.
        powers = points[:, None] ** torch.arange(coefficients)
        infinity = torch.eye(coefficients, dtype=torch.float64)[-1:]
        return torch.cat([powers, infinity])

    # The transpose of "interpolate the product" computes a correlation.
    return torch.linalg.inv(evaluate(_NUM)).T, evaluate(3), evaluate(TILE).T
