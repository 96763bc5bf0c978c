"""Low-pass filters: the resampling filter of StyleGAN2 and the Kaiser designs of StyleGAN3."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def resampling_filter(taps: tuple[Any, ...]) -> Tensor:
    """The buffer that StyleGAN2 stores for its taps: float32, sum one.

    Fewer than eight taps are stored as their outer product, more stay one row.
    """
    f = torch.as_tensor(taps, dtype=torch.float32, device="cpu")
    if f.ndim == 1 and f.numel() < 8:
        f = torch.outer(f, f)
    return f / f.sum()


def upsampling_kernel(resample_filter: Tensor) -> Tensor:
    """The filter in two dimensions, (taps, taps), with the gain 4 of upsampling by two.

    Filters of eight taps and more are stored as one row, (taps,), and apply along both axes.
    """
    f = resample_filter
    return (torch.outer(f, f) if f.ndim == 1 else f) * 4


def upsample(x: Tensor, resample_filter: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W)."""
    kernel = upsampling_kernel(resample_filter).to(x.dtype)
    rows, columns = (
        ((taps + 1) // 2 - taps + 1, (taps - 2) // 2 - taps + 2) for taps in kernel.shape
    )
    is_even = rows[0] == rows[1] <= 0 and columns[0] == columns[1] <= 0
    crop = (-rows[0], -columns[0]) if is_even else (0, 0)
    x = x.contiguous(memory_format=torch.channels_last)
    kernel = kernel.expand(x.shape[1], 1, -1, -1)
    y = F.conv_transpose2d(x, kernel, stride=2, padding=crop, groups=x.shape[1])
    return y if is_even else F.pad(y, (*columns, *rows))  # negative: cut off


def lowpass_filter(
    num_taps: int, *, cutoff: float, width: float, sampling_rate: float, radial: bool = False
) -> Tensor | None:
    """A windowed low-pass filter (Karras et al. 2021, appendix C.1; Kaiser 1974).

    Args:
        cutoff, width: cutoff frequency and width of the transition band.
        sampling_rate: of the signal, in the same unit as both.
        radial: a radially symmetric (jinc) filter instead of a separable (sinc) one.
    Returns:
        float32 taps with sum one, (num_taps,) or, radial, (num_taps, num_taps); None for one tap.
    """
    if num_taps == 1:
        return None
    beta = _kaiser_beta(num_taps, width / (sampling_rate / 2))
    options: Any = {"dtype": torch.float64, "device": "cpu"}
    window = torch.kaiser_window(num_taps, periodic=False, beta=beta, **options)
    x = (torch.arange(num_taps, **options) - (num_taps - 1) / 2) / sampling_rate
    if radial:
        r = torch.hypot(x[:, None], x[None, :])
        # The jinc tends to the cutoff's value at the centre, which only odd sizes have.
        jinc = torch.special.bessel_j1(2 * math.pi * cutoff * r) / (math.pi * r)
        f = torch.where(r == 0, cutoff * torch.ones_like(r), jinc) * torch.outer(window, window)
    else:
        f = torch.sinc(2 * cutoff * x) * window
    return (f / f.sum()).float()


def _kaiser_beta(num_taps: int, width: float) -> float:
    # Kaiser's empirical formulas: the stop-band attenuation in dB that this many taps reach for a
    # transition band (a fraction of the Nyquist frequency), and the window's shape for it.
    attenuation = 2.285 * (num_taps - 1) * math.pi * width + 7.95
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * math.pow(attenuation - 21, 0.4) + 0.07886 * (attenuation - 21)
    return 0.0
