"""The filtered leaky ReLU of StyleGAN3 (Karras et al. 2021, section 3.1 and appendix D).

Upsample, apply the nonlinearity, downsample: all filters run along one axis at a time where they
are separable, as depthwise convolutions over channels-last features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FilteredLeakyReLU(nn.Module):
    """A leaky ReLU at ``up`` times the sampling rate of its input.

    Args:
        up, down: factors of the two resamplings.
        in_size, out_size: heights and widths that come in and go out; what lies beyond is
            taken as zero, what is not needed is cut off, evenly on both sides.
        slope: of the negative side; 1 leaves the values as they are.
        gain: what the activated values are multiplied by.
        clamp: the largest magnitude after that; None for no limit.
    """

    def __init__(
        self,
        *,
        up: int,
        down: int,
        in_size: tuple[int, int],
        out_size: tuple[int, int],
        slope: float,
        gain: float,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.up, self.down, self.in_size, self.out_size = up, down, in_size, out_size
        self.slope, self.gain, self.clamp = slope, gain, clamp

    def forward(self, x: Tensor, up_filter: Tensor | None, down_filter: Tensor | None) -> Tensor:
        """(B, C, *in_size) to (B, C, *out_size).

        Args:
            up_filter: taps (n,); None where there is no filter.
            down_filter: taps (n,), or (n, n) where they are not separable.
        """
        up_taps = 1 if up_filter is None else len(up_filter)
        down_taps = 1 if down_filter is None else len(down_filter)
        rows, columns = (self.padding(up_taps, down_taps, axis=axis) for axis in (0, 1))
        upsampled = self._upsample(x, up_filter, rows, columns)
        activated = self._activate(upsampled, in_place=upsampled is not x)
        return self._downsample(activated, down_filter)

    def padding(self, up_taps: int, down_taps: int, *, axis: int) -> tuple[int, int]:
        """Zeros to add (negative: samples to cut) before and after, at the upsampled rate.

        ``axis`` is 0 for above and below, 1 for left and right.

        The split puts the centre of the image where it was (appendix C.3).
        """
        needed = (self.out_size[axis] - 1) * self.down + down_taps
        total = needed + up_taps - 1 - self.in_size[axis] * self.up
        low = (total + self.up) // 2
        return low, total - low

    def _activate(self, x: Tensor, *, in_place: bool) -> Tensor:
        if torch.is_grad_enabled() or not in_place:
            x = F.leaky_relu(x, self.slope) * self.gain
            return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)
        if self.slope != 1:
            x = F.leaky_relu_(x, self.slope)
        if self.gain != 1:
            x = x.mul_(self.gain)
        return x if self.clamp is None else x.clamp_(-self.clamp, self.clamp)

    def _upsample(
        self, x: Tensor, taps: Tensor | None, rows: tuple[int, int], columns: tuple[int, int]
    ) -> Tensor:
        if taps is None:
            if self.up > 1:
                kernel = x.new_full((x.shape[1], 1, 1, 1), self.up**2)
                x = F.conv_transpose2d(x, kernel, stride=self.up, groups=x.shape[1])
                rows, columns = ((low, high + self.up - 1) for low, high in (rows, columns))
            return F.pad(x, (*columns, *rows)) if any(rows + columns) else x
        kernel = (taps * self.up).expand(x.shape[1], 1, 1, -1)
        crop, columns = self._cropped(len(taps), columns)
        x = F.conv_transpose2d(x, kernel, stride=(1, self.up), padding=(0, crop), groups=x.shape[1])
        kernel = kernel.transpose(2, 3)
        crop, rows = self._cropped(len(taps), rows)
        x = F.conv_transpose2d(x, kernel, stride=(self.up, 1), padding=(crop, 0), groups=x.shape[1])
        return F.pad(x, (*columns, *rows)) if any(rows + columns) else x

    def _cropped(self, taps: int, padding: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        """What a transposed convolution crops from both ends, and the padding that remains."""
        # The whole of a transposed convolution reaches taps - 1 samples past each end.
        before, after = taps - 1 - padding[0], taps - self.up - padding[1]
        crop = max(min(before, after), 0)
        return crop, (crop - before, crop - after)

    def _downsample(self, x: Tensor, taps: Tensor | None) -> Tensor:
        if taps is None:
            return x[:, :, :: self.down, :: self.down] if self.down > 1 else x
        channels = x.shape[1]
        # Convolution layers correlate; a filter convolves.
        kernel = taps.flip(tuple(range(taps.ndim)))
        if taps.ndim == 2:
            kernel = kernel.expand(channels, 1, -1, -1)
            return F.conv2d(x, kernel, stride=self.down, groups=channels)
        across = kernel.expand(channels, 1, 1, -1)
        x = F.conv2d(x, across, stride=(1, self.down), groups=channels)
        return F.conv2d(x, across.transpose(2, 3), stride=(self.down, 1), groups=channels)
