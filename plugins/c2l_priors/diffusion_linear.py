"""Linear layers that reorder their weights for the processor while they only infer.

A few rows times a large matrix is bound by how the matrix lies in memory: in oneDNN's own layout a
float32 product of six rows takes two thirds of the time, and units for bfloat16 need pairs of rows
interleaved, which would otherwise be done at every call. The copy takes as much memory again, and
about a millisecond for each megabyte to make.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 1 << 16
"""Matrices of fewer numbers are fast as they are."""

MANY_ROWS = 48
"""Without AVX-512, a matrix that narrows is up to a tenth faster as it is with this many rows."""


class RowsLinear(nn.Linear):
    """A linear layer without bias for rows (R, width)."""

    def __init__(self, from_width: int, to_width: int) -> None:
        super().__init__(from_width, to_width, bias=False)
        self._packed: tuple[object, Tensor] | None = None

    def forward(self, rows: Tensor) -> Tensor:
        """``rows`` (R, from_width) to (R, to_width)."""
        if not self._packs(rows):
            self._packed = None
        elif len(rows) < MANY_ROWS or self.out_features > self.in_features or _is_wide():
            return _multiply(rows, self._pack())
        return F.linear(rows, self.weight)

    def _packs(self, rows: Tensor) -> bool:
        weight = self.weight
        return (
            not torch.is_grad_enabled()
            and weight.device.type == rows.device.type == "cpu"
            and weight.dtype == rows.dtype
            and weight.numel() >= SMALLEST
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
            and _can_pack(weight.dtype)
        )

    def _pack(self) -> Tensor:
        weight = self.weight
        version = None if weight.is_inference() else weight._version
        state = (weight.data_ptr(), version)
        if self._packed is None or self._packed[0] != state:
            self._packed = state, _reordered(weight.detach())
        return self._packed[1]

    def __getstate__(self) -> dict[str, Any]:
        # Such layouts cannot be copied; a copy of the layer makes its own.
        return {**self.__dict__, "_packed": None}


def _reordered(weight: Tensor) -> Tensor:
    out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)
    return out


def _multiply(rows: Tensor, packed: Tensor) -> Tensor:
    out: Tensor = torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    return out


@cache
def _is_wide() -> bool:
    """Whether the processor has AVX-512: there oneDNN's products are the faster ones throughout."""
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")


@cache
def _can_pack(dtype: torch.dtype) -> bool:
    """Whether this torch has the two operators, and they compute what they should on this machine.

    torch's own compiler uses them, but they are not documented: without them, plain products do.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    rows, weight = torch.linspace(-1, 1, 48).view(3, 16), torch.linspace(-2, 1, 512).view(32, 16)
    try:
        found = _multiply(rows.to(dtype), _reordered(weight.to(dtype)))
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = F.linear(rows, weight)
    error = (found.float() - expected).abs().max() / expected.abs().max()
    return found.dtype == dtype and float(error) < 8 * torch.finfo(dtype).eps
