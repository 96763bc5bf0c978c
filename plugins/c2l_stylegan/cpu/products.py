"""Products of matrices, by whichever library is fast on this processor.

torch multiplies float32 matrices with Intel's MKL, which runs AMD's processors with AVX-512 at half
their speed; oneDNN, which torch has for convolutions, does not.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

_SMALLEST = 1 << 14
"""Numbers of a weight: with fewer, a result that must be copied is not worth it."""


def multiply(rows: Tensor, weight: Tensor, out: Tensor) -> None:
    """``rows`` (R, I) times ``weight`` (O, I) to ``out`` (R, O), in no-grad mode only.

    The weight is contiguous; in rows and ``out``, only the numbers of a row need to be.
    """
    if weight.dtype == torch.float32 and weight.numel() >= _SMALLEST and prefers_onednn():
        out.copy_(torch.ops.mkldnn._linear_pointwise(rows, weight, None, "none", [], ""))
    else:
        torch.mm(rows, weight.T, out=out)


@cache
def prefers_onednn() -> bool:
    """Whether oneDNN's products are the faster ones here, and what they should be.

    torch's own compiler uses them, but they are not documented: without them, plain products do.
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
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = platform.processor()
    return "AuthenticAMD" in told
