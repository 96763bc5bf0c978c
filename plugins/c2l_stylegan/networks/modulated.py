"""The modulated convolution that both families share.

The papers scale the weights of a convolution by the style, once for each image, which makes a
batch a grouped convolution. Scaling the *features* by the style before an ordinary convolution,
and the result by the demodulation factor after it, is the same linear map; it is several times
faster on CPUs and cheap to differentiate. For a single large image without gradients, scaling
the weights is cheaper after all, and that is done then, unless Winograd's algorithm saves more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l_stylegan.cpu.fast_path import allows_fast_path
from c2l_stylegan.cpu.kept import kept
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.winograd import Winograd

NUM_REDUCED = 4
"""Where features are in less than float32, they are so in this many of the highest resolutions, as
in the official networks on a GPU: there is what costs time, and below is what errors grow from."""

Convolution: TypeAlias = Callable[[Tensor, bool, Scratch], Tensor]
"""Features (B, I, H, W) to (B, O, H', W'); the flag is false where rows are padded already."""


class Modulated(nn.Module):
    """Base of the layers that hold a convolution's ``weight`` (O, I, k, k).

    Attributes:
        padding: that of ``convolve``, where it is an ordinary one of stride one.
    """

    weight: nn.Parameter
    padding: int | None = None

    def power(self) -> Tensor:
        """Sums of the squared weights over the kernel, (O, I)."""
        if allows_fast_path(self.weight):
            return kept(self.weight, "power", self._power)
        return self._power()

    def _power(self) -> Tensor:
        if self.weight.is_cuda:
            return self.weight.square().sum(dim=(2, 3))
        # On a CPU, tap by tap is fast in any memory order of the weights; a sum over axes is not.
        taps = self.weight.flatten(2).unbind(2)
        found = taps[0].square()
        for tap in taps[1:]:
            found = found.addcmul(tap, tap)
        return found

    def modulated(
        self,
        size: tuple[int, ...],
        styles: Tensor,
        scale: Tensor,
        bias: Tensor,
        *,
        dtype: torch.dtype,
    ) -> Convolution:
        """Convolve ``x * styles``, multiply by ``scale``, add ``bias``: in the cheapest way.

        Args:
            size: (B, I, H, W) of the features, which may come in strips where ``padding`` is set.
            styles, scale, bias: (B, I), (B, O) and (O,).
            dtype: of the features.
        """
        weight, pixels = self.weight.to(dtype), size[2] * size[3]
        if dtype == torch.float16:
            weight, styles, scale = _within_range(self.weight, styles, scale)
        factors = styles.to(dtype), scale.to(dtype), bias.to(dtype)
        scaled = partial(self._convolve_scaled, weight, *factors)
        if torch.is_grad_enabled():
            return scaled
        suits_winograd = allows_fast_path(weight) and Winograd.is_faster(weight, pixels)
        if self.padding is not None and suits_winograd:
            return partial(_by_winograd, Winograd(weight, self.padding), *factors)
        # Two passes over the weights, or one over the features before and one after.
        is_single = size[0] == 1 and dtype != torch.float16
        if not is_single or 2 * weight.numel() >= pixels * sum(weight.shape[:2]):
            return scaled
        weight, bias = self.scaled_weight(styles, scale).to(dtype), bias.to(dtype)
        return lambda x, pad_rows, _: self.convolve(weight, bias, x, pad_rows)

    def scaled_weight(self, styles: Tensor, scale: Tensor) -> Tensor:
        """The weights times both factors, for one image: styles (1, I) and scale (1, O)."""
        return self.weight * styles[0][:, None, None] * scale[0][:, None, None, None]

    def convolve(self, weight: Tensor, bias: Tensor | None, x: Tensor, pad_rows: bool) -> Tensor:
        """The convolution itself, with these weights."""
        assert self.padding is not None
        padding = self.padding if pad_rows else 0, self.padding
        return F.conv2d(x, weight, bias, padding=padding)

    def _convolve_scaled(
        self,
        weight: Tensor,
        styles: Tensor,
        scale: Tensor,
        bias: Tensor,
        x: Tensor,
        pad_rows: bool,
        _: Scratch,
    ) -> Tensor:
        y = self.convolve(weight, None, x * styles[:, :, None, None], pad_rows)
        shift, scale = bias[:, None, None], scale[:, :, None, None]
        if torch.is_grad_enabled():
            return torch.addcmul(shift, y, scale)
        return torch.addcmul(shift, y, scale, out=y)


def _within_range(weight: Tensor, styles: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factors of the same product in which no sum of float16 overflows; the weight in float16.

    Sums over n inputs stay below the root of n times the largest feature, the clamp's.
    """
    largest = weight.abs().amax(dim=(1, 2, 3)).clamp_min(1e-8)
    shrink = 1 / (largest * math.sqrt(weight[0].numel()))
    peak = styles.abs().amax(dim=1, keepdim=True).clamp_min(1e-8)
    return (weight * shrink[:, None, None, None]).half(), styles / peak, scale * peak / shrink


def _by_winograd(
    convolution: Winograd,
    styles: Tensor,
    scale: Tensor,
    bias: Tensor,
    x: Tensor,
    pad_rows: bool,
    scratch: Scratch,
) -> Tensor:
    padding = convolution.padding
    outputs = range(x.shape[2] + 2 * padding - 2)
    if not pad_rows:
        outputs = outputs[padding : len(outputs) - padding]
    y = x.new_empty(len(x), len(outputs), x.shape[3] + 2 * padding - 2, len(bias))
    rows = convolution.rows_at_once(y.shape[2])
    # Not divided among threads: to multiply half of the rows reads as much of the kernels.
    for image, style, factor, out in zip(x.permute(0, 2, 3, 1), styles, scale, y, strict=True):
        for some in range(0, len(outputs), rows):
            part = outputs[some : some + rows]
            convolved = convolution.rows(image, style, part.start, part.stop, scratch)
            torch.addcmul(bias, convolved, factor, out=out[some : some + rows])
    return y.permute(0, 3, 1, 2)
