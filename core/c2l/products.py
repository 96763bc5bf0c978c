"""Linear layers by whichever of torch's libraries is fast on this processor.

torch multiplies float32 matrices with Intel's MKL, which runs AMD's processors with AVX-512 at half
their speed. oneDNN, which torch has for convolutions, does not.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

_SMALLEST = 1 << 14
"""Numbers of a weight: below, the call takes longer than the product."""


def fast_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As ``torch.nn.functional.linear``; with oneDNN where that is faster, without gradients.

    Args:
        x: shape (..., I); only the numbers of a row need to lie side by side.
        weight: contiguous, shape (O, I); or what ``pack_linear`` made of such.
    """
    if is_linear_fast(weight) and not _is_recorded(x, weight, bias):
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return found
    return F.linear(x, weight, bias)


def is_linear_fast(weight: Tensor) -> bool:
    """Whether ``fast_linear`` is faster than torch's own products with this weight."""
    if weight.is_mkldnn:
        return True
    return (
        weight.dtype == torch.float32
        and weight.device.type == "cpu"
        and weight.numel() >= _SMALLEST
        and _prefers_onednn()
        and not torch.compiler.is_compiling()
    )


def pack_linear(weight: Tensor, rows: int) -> Tensor:
    """A weight (O, I) in the order of memory that ``fast_linear`` multiplies fastest.

    For weights that are used often and do not change: to put them in order takes about as long as
    one product. Where it would gain nothing, the weight as it is.

    Args:
        rows: about how many rows it will be multiplied with.
    """
    if not is_linear_fast(weight):
        return weight
    try:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    except (AttributeError, RuntimeError, TypeError):  # undocumented, like the product
        return weight
    return packed


def _is_recorded(*tensors: Tensor | None) -> bool:
    return torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)


@cache
def _prefers_onednn() -> bool:
    """Whether oneDNN is the faster one here, and computes what it should.

    torch's own compiler uses this operator, but it is not documented: plain products do as well.
    """
    is_wide = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    if not is_wide or not torch.backends.mkldnn.is_available() or not _is_amd():
        return False
    rows, weight = torch.linspace(-1, 1, 48).view(3, 16), torch.linspace(-2, 1, 512).view(32, 16)
    try:
        found = torch.ops.mkldnn._linear_pointwise(rows, weight, None, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = rows @ weight.T
    return bool((found - expected).abs().max() < 1e-6 * expected.abs().max())


def _is_amd() -> bool:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        told = platform.processor()
    return "AuthenticAMD" in told
