"""The layers of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958), by blocks of one resolution.

Features lie channels-last in memory throughout, which is what convolutions on CPUs want.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.networks.activations import ACTIVATIONS
from c2l_stylegan.networks.filters import upsample, upsampling_kernel
from c2l_stylegan.networks.initial_weights import normal
from c2l_stylegan.networks.mapping import FullyConnected
from c2l_stylegan.networks.modulated import Modulated
from c2l_stylegan.networks.settings import StyleGAN2Settings
from c2l_stylegan.networks.torgb import ToRGB


class ModulatedConv(Modulated):
    """A convolution modulated by a style, then noise, bias and activation.

    Args:
        up: 2 for a layer that doubles the resolution, else 1.
        resolution: that of its block; what it puts out has the height and width ``size``.
    """

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        up: int,
        resolution: int,
        taps: Tensor,
        settings: StyleGAN2Settings,
    ) -> None:
        super().__init__()
        self.register_buffer("resample_filter", taps.clone())
        self.up, self.resolution = up, resolution
        self.size = settings.size_at(resolution)
        self.use_noise, self.conv_clamp = settings.use_noise, settings.conv_clamp
        self.activation = settings.activation
        size = settings.kernel_size
        self.affine = FullyConnected(settings.w_dim, in_channels, bias=1.0)
        drawn = normal(out_channels, in_channels, size, size)
        # The memory order that the convolution wants, so that it need not be made at each call.
        if up == 2:
            drawn = drawn.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
        else:
            drawn = drawn.contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(drawn)
        self.padding = size // 2 if up == 1 else None
        self.bias = nn.Parameter(torch.zeros(out_channels))
        if self.use_noise:
            self.register_buffer("noise_const", normal(*self.size))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(
        self, x: Tensor, w: Tensor, noise: Tensor | None, scratch: Scratch, *, gain: float = 1.0
    ) -> Tensor:
        """Features (B, in, r, r) and latents (B, w_dim) to features (B, out, up r, up r).

        ``noise`` is (1 or B, 1, up r, up r), unscaled; None for none.
        """
        styles, scale, bias, strength = self.factors(w, gain)
        convolve = self.modulated(x.shape, styles, scale, bias, dtype=x.dtype)
        x = convolve(x, True, scratch)
        if noise is not None:
            noise = (noise * strength).to(x.dtype)
            x = x + noise if torch.is_grad_enabled() else x.add_(noise)
        return self.activate(x, gain)

    def factors(self, w: Tensor, gain: float = 1.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Styles (B, in), scale (B, out) and bias (out,) for ``modulated``, and noise strength."""
        styles = self.affine(w)
        scale = (styles.square() @ self.power().T + 1e-8).rsqrt()
        # The leaky ReLU is positively homogeneous: its gain may as well be put into the factors.
        early = ACTIVATIONS["lrelu"][1] * gain if self.activation == "lrelu" else 1.0
        strength = self.noise_strength if self.use_noise else self.bias.new_zeros(())
        return styles, scale * early, self.bias * early, strength * early

    def num_bytes(self) -> int:
        """The size of one image's features, in float32."""
        return 4 * len(self.weight) * self.size[0] * self.size[1]

    def activate(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """The activation, its gain (where ``factors`` has not seen to it) and the clamp."""
        function, act_gain = ACTIVATIONS[self.activation]
        is_leaky = self.activation == "lrelu"
        x = F.leaky_relu_(x, 0.2) if is_leaky else function(x) * (act_gain * gain)
        if self.conv_clamp is None:
            return x
        limit = self.conv_clamp * gain
        return x.clamp(-limit, limit) if torch.is_grad_enabled() else x.clamp_(-limit, limit)

    def convolve(self, weight: Tensor, bias: Tensor | None, x: Tensor, pad_rows: bool) -> Tensor:
        """(B, in, r, r) to (B, out, up r, up r)."""
        if self.up == 1:
            return super().convolve(weight, bias, x, pad_rows)
        if x.is_cuda and self.cropped is not None:
            return self.convolve_blurred(weight, bias, x)
        return self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), bias)

    @property
    def cropped(self) -> tuple[int, int] | None:
        """What ``convolve_blurred`` crops of rows and columns; None: it cannot be used."""
        paddings = self.blur_padding(0), self.blur_padding(1)
        if any(before != after for before, after in paddings):
            return None
        rows, columns = (self.resample_filter.shape[-1] - 1 - before for before, _ in paddings)
        return (rows, columns) if min(rows, columns) >= 0 else None

    def convolve_blurred(self, weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
        """As ``convolve`` with ``up=2``, all in one convolution whose weights are blurred.

        That is four times the arithmetic, for which a GPU takes less time than for blurring the
        features channel by channel.
        """
        assert self.cropped is not None
        size, filtering = weight.shape[-1], upsampling_kernel(self.resample_filter)
        taps = torch.eye(size * size, device=weight.device).view(-1, 1, size, size)
        edge = len(filtering) - 1
        blurred = F.conv2d(taps, filtering.flip((0, 1))[None, None], padding=edge).flatten(1)
        weight = (weight.flatten(2) @ blurred.to(weight.dtype)).unflatten(2, (size + edge, -1))
        return F.conv_transpose2d(x, weight.transpose(0, 1), bias, stride=2, padding=self.cropped)

    def blur(self, x: Tensor, bias: Tensor | None, *, pad_rows: bool = True) -> Tensor:
        """The low-pass filter after a transposed convolution, and the bias."""
        kernel = upsampling_kernel(self.resample_filter).flip((0, 1)).to(x.dtype)
        kernel = kernel.expand(x.shape[1], 1, -1, -1)
        rows = self.blur_padding(0) if pad_rows else (0, 0)
        columns = self.blur_padding(1)
        if rows[0] == rows[1] >= 0 and columns[0] == columns[1] >= 0:
            return F.conv2d(x, kernel, bias, padding=(rows[0], columns[0]), groups=len(kernel))
        return F.conv2d(F.pad(x, (*columns, *rows)), kernel, bias, groups=len(kernel))

    def blur_padding(self, axis: int) -> tuple[int, int]:
        """Zeros above and below (``axis`` 0) or left and right for the blur; negative: cut off."""
        size, taps = self.weight.shape[-1], self.resample_filter.shape[-axis]
        return size // 2 + (taps + 1) // 2 - (size - 1), size // 2 + (taps - 2) // 2 - (size - 2)


class Shortcut(nn.Module):
    """The other path of the ``resnet`` architecture: a 1x1 convolution and upsampling."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, taps: Tensor) -> None:
        super().__init__()
        self.register_buffer("resample_filter", taps.clone())
        self.weight = nn.Parameter(normal(out_channels, in_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, r, r) to (B, out, 2r, 2r), times the square root of a half."""
        weight = self.weight * math.sqrt(0.5 / self.weight.shape[1])
        return upsample(F.conv2d(x, weight.to(x.dtype)), self.resample_filter)


class Block(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, resolution: int, settings: StyleGAN2Settings, taps: Tensor) -> None:
        super().__init__()
        self.register_buffer("resample_filter", taps.clone())
        self.feature_dtype = torch.float32
        out = settings.channels[resolution]
        self.is_first = resolution == 4
        self.is_resnet = settings.architecture == "resnet"
        self.has_torgb = settings.architecture == "skip" or resolution == settings.img_resolution
        self.num_convs = 1 if self.is_first else 2
        if self.is_first:
            self.const = nn.Parameter(normal(out, *settings.const_size))
        else:
            before = settings.channels[resolution // 2]
            self.conv0 = ModulatedConv(
                before, out, up=2, resolution=resolution, taps=taps, settings=settings
            )
        self.conv1 = ModulatedConv(
            out, out, up=1, resolution=resolution, taps=taps, settings=settings
        )
        if self.has_torgb:
            self.torgb = ToRGB(out, settings)
        if self.is_resnet and not self.is_first:
            self.skip = Shortcut(before, out, taps)

    def forward(
        self,
        x: Tensor,
        image: Tensor | None,
        ws: Tensor,
        noises: list[Tensor | None],
        scratch: Scratch,
    ) -> tuple[Tensor, Tensor | None]:
        """One step up.

        Args:
            x: features of the block below; for the first block, its own ``const``.
            image: what has been drawn so far, at half this resolution.
            ws: (B, num_convs + 1, w_dim), the last for ``torgb``.
            noises: one for each convolution.
        """
        x = x.to(self.feature_dtype)
        if self.is_first:
            x = self.conv1(x, ws[:, 0], noises[0], scratch)
        else:
            below = x
            x = self.conv0(x, ws[:, 0], noises[0], scratch)
            gain = math.sqrt(0.5) if self.is_resnet else 1.0
            x = self.conv1(x, ws[:, 1], noises[1], scratch, gain=gain)
            if self.is_resnet:
                x = x + self.skip(below)
        if self.has_torgb:
            image = self.over(image, self.torgb(x, ws[:, self.num_convs]))
        return x, image

    def over(self, image: Tensor | None, drawn: Tensor) -> Tensor:
        """The image of the block below, upsampled, with what this block has drawn added."""
        return drawn if image is None else upsample(image, self.resample_filter) + drawn
