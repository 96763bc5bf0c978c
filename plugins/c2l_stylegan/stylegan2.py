"""The synthesis network of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958).

Features lie channels-last in memory throughout, which is what convolutions on CPUs want.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l_stylegan.activations import ACTIVATIONS
from c2l_stylegan.filters import resampling_filter
from c2l_stylegan.mapping import FullyConnected
from c2l_stylegan.modulated import Modulated, records_gradients
from c2l_stylegan.settings import StyleGAN2Settings

Noise: TypeAlias = Literal["const", "none", "random"]


def upsampling_kernel(resample_filter: Tensor) -> Tensor:
    """The filter in two dimensions, (taps, taps), with the gain 4 of upsampling by two.

    Filters of eight taps and more are stored as one row, (taps,), and apply along both axes.
    """
    f = resample_filter
    return (torch.outer(f, f) if f.ndim == 1 else f) * 4


def upsample(x: Tensor, resample_filter: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W)."""
    channels, taps = x.shape[1], resample_filter.shape[-1]
    low, high = (taps + 1) // 2 - taps + 1, (taps - 2) // 2 - taps + 2
    crop = -low if low == high <= 0 else 0
    x = x.contiguous(memory_format=torch.channels_last)
    kernel = upsampling_kernel(resample_filter).expand(channels, 1, -1, -1)
    y = F.conv_transpose2d(x, kernel, stride=2, padding=crop, groups=channels)
    return y if crop else _pad(y, low, high)


class ModulatedConv(Modulated):
    """A convolution modulated by a style, then noise, bias and activation.

    Args:
        up: 2 for a layer that doubles the resolution, else 1.
        resolution: height and width of what it puts out.
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
        self.use_noise, self.conv_clamp = settings.use_noise, settings.conv_clamp
        self.activation = settings.activation
        size = settings.kernel_size
        self.affine = FullyConnected(settings.w_dim, in_channels, bias=1.0)
        drawn = torch.randn(out_channels, in_channels, size, size)
        # The memory order that the convolution wants, so that it need not be made at each call.
        if up == 2:
            drawn = drawn.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
        else:
            drawn = drawn.contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(drawn)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        if self.use_noise:
            self.register_buffer("noise_const", torch.randn(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None, *, gain: float = 1.0) -> Tensor:
        """Features (B, in, r, r) and latents (B, w_dim) to features (B, out, up r, up r).

        ``noise`` is (1 or B, 1, up r, up r), unscaled; None for none.
        """
        styles = self.affine(w)
        scale = (styles.square() @ self.power().T + 1e-8).rsqrt()
        function, act_gain = ACTIVATIONS[self.activation]
        total = act_gain * gain
        # The leaky ReLU is positively homogeneous: its gain may as well be put into the factors.
        early = total if self.activation == "lrelu" else 1.0
        if noise is not None:
            noise = noise * (self.noise_strength * early)
        x = self.modulate(x, styles, scale * early, self.bias * early, noise)
        x = F.leaky_relu_(x, 0.2) if self.activation == "lrelu" else function(x) * total
        if self.conv_clamp is None:
            return x
        limit = self.conv_clamp * gain
        return x.clamp(-limit, limit) if torch.is_grad_enabled() else x.clamp_(-limit, limit)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """(B, in, r, r) to (B, out, up r, up r)."""
        size, taps, channels = weight.shape[-1], self.resample_filter.shape[-1], len(weight)
        if self.up == 1:
            return F.conv2d(x, weight, bias, padding=size // 2)
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        kernel = upsampling_kernel(self.resample_filter).flip((0, 1))
        kernel = kernel.expand(channels, 1, -1, -1)
        low = size // 2 + (taps + 1) // 2 - (size - 1)
        high = size // 2 + (taps - 2) // 2 - (size - 2)
        if low == high >= 0:
            return F.conv2d(x, kernel, bias, padding=low, groups=channels)
        return F.conv2d(_pad(x, low, high), kernel, bias, groups=channels)


class _Colours(torch.autograd.Function):
    """Pixels (B, N, C) times weights (B, colours, C): (B, colours, N).

    A product of matrices, whose derivatives autograd would also take as such, but with the long
    and short sides in an order that is three times slower, and in another memory order than that
    of the features.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(pixels, weight)
        return weight @ pixels.transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        pixels, weight = ctx.saved_tensors
        return grad.transpose(1, 2) @ weight, grad @ pixels


def _colours(pixels: Tensor, weight: Tensor) -> Tensor:
    return cast(Tensor, _Colours.apply(pixels, weight))


class ToRGB(nn.Module):
    """A 1x1 convolution to colours, modulated but not demodulated."""

    def __init__(self, in_channels: int, settings: StyleGAN2Settings) -> None:
        super().__init__()
        self.conv_clamp = settings.conv_clamp
        self.affine = FullyConnected(settings.w_dim, in_channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(settings.img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(settings.img_channels))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Features (B, C, r, r) to colours (B, img_channels, r, r)."""
        batch, channels, height, width = x.shape
        styles = self.affine(w) * self.weight_gain
        weight = styles[:, None] * self.weight.flatten(1)
        pixels = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        y = _colours(pixels, weight).reshape(batch, -1, height, width)
        y = y + self.bias[:, None, None]
        if self.conv_clamp is not None:
            y = y.clamp(-self.conv_clamp, self.conv_clamp)
        return y


class Shortcut(nn.Module):
    """The other path of the ``resnet`` architecture: a 1x1 convolution and upsampling."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, taps: Tensor) -> None:
        super().__init__()
        self.register_buffer("resample_filter", taps.clone())
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, r, r) to (B, out, 2r, 2r), times the square root of a half."""
        weight = self.weight * math.sqrt(0.5 / self.weight.shape[1])
        return upsample(F.conv2d(x, weight), self.resample_filter)


class Block(nn.Module):
    """All layers of one resolution."""

    resample_filter: Tensor

    def __init__(self, resolution: int, settings: StyleGAN2Settings, taps: Tensor) -> None:
        super().__init__()
        self.register_buffer("resample_filter", taps.clone())
        out = settings.channels[resolution]
        self.is_first = resolution == 4
        self.is_resnet = settings.architecture == "resnet"
        self.has_torgb = settings.architecture == "skip" or resolution == settings.img_resolution
        self.num_convs = 1 if self.is_first else 2
        if self.is_first:
            self.const = nn.Parameter(torch.randn(out, 4, 4))
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
        self, x: Tensor | None, image: Tensor | None, ws: Tensor, noises: list[Tensor | None]
    ) -> tuple[Tensor, Tensor | None]:
        """One step up.

        Args:
            x: features of the block below, None for the first block.
            image: what has been drawn so far, at half this resolution.
            ws: (B, num_convs + 1, w_dim), the last for ``torgb``.
            noises: one for each convolution.
        """
        if x is None:
            x = self.const.expand(len(ws), -1, -1, -1)
            x = self.conv1(x.contiguous(memory_format=torch.channels_last), ws[:, 0], noises[0])
        else:
            below = x
            x = self.conv0(x, ws[:, 0], noises[0])
            x = self.conv1(x, ws[:, 1], noises[1], gain=math.sqrt(0.5) if self.is_resnet else 1.0)
            if self.is_resnet:
                x = x + self.skip(below)
        if image is not None:
            image = upsample(image, self.resample_filter)
        if self.has_torgb:
            drawn = self.torgb(x, ws[:, self.num_convs])
            image = drawn if image is None else image + drawn
        return x, image


class Synthesis2(nn.Module):
    """Latents to an image: blocks ``b4``, ``b8``, ... each twice the resolution of the last."""

    def __init__(self, settings: StyleGAN2Settings) -> None:
        super().__init__()
        taps = resampling_filter(settings.resample_filter)
        self.resolutions = settings.resolutions
        for resolution in self.resolutions:
            self.add_module(f"b{resolution}", Block(resolution, settings, taps))
        self.num_ws = sum(block.num_convs for block in self.blocks()) + 1

    def blocks(self) -> Iterator[Block]:
        """The blocks, from 4 px up."""
        for resolution in self.resolutions:
            yield getattr(self, f"b{resolution}")

    def forward(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """ws (B, num_ws, w_dim) to images (B, img_channels, H, W)."""
        return self.images(ws, noise=noise)[-1]

    def images(
        self, ws: Tensor, *, noise: Noise = "const", until: int | None = None
    ) -> list[Tensor]:
        """The image as it stands after each block that draws.

        With the ``skip`` architecture, that is one of 4 px, one of 8 px and so on; with the
        others, the final one.

        Args:
            ws: float32, (B, num_ws, w_dim).
            noise: the stored noise maps, none at all, or fresh ones, which each image draws from
                its own latents.
            until: the last resolution to compute.
        Returns:
            tensors (B, img_channels, r, r), smallest first.
        """
        with torch.set_grad_enabled(records_gradients(self, ws)):
            return self._images(ws, noise, until)

    def _images(self, ws: Tensor, noise: Noise, until: int | None) -> list[Tensor]:
        draws = row_generators(ws) if noise == "random" else []
        x: Tensor | None = None
        image: Tensor | None = None
        images: list[Tensor] = []
        start = 0
        for block in self.blocks():
            if until is not None and block.conv1.resolution > until:
                break
            used = ws[:, start : start + block.num_convs + 1]
            convs = [block.conv1] if block.is_first else [block.conv0, block.conv1]
            x, image = block(x, image, used, [self._noise(c, noise, draws, ws) for c in convs])
            start += block.num_convs
            if image is not None:
                images.append(image)
        return images

    @staticmethod
    def _noise(
        conv: ModulatedConv, noise: Noise, draws: list[torch.Generator], ws: Tensor
    ) -> Tensor | None:
        if not conv.use_noise or noise == "none":
            return None
        if noise == "const":
            return conv.noise_const[None, None]
        size = (1, conv.resolution, conv.resolution)
        rows = [torch.randn(size, generator=generator) for generator in draws]
        return torch.stack(rows).to(ws.device)


def row_generators(ws: Tensor) -> list[torch.Generator]:
    """One CPU generator for each row, seeded by what the row holds.

    So fresh noise neither depends on an image's place in a batch nor touches the global state.
    The seed is the order of a latent's first numbers by size, which rounding leaves as it is.
    """
    order = ws.detach().sum(dim=1)[:, :15].argsort(dim=1).cpu()
    places = 16 ** torch.arange(order.shape[1])
    return [torch.Generator().manual_seed(int(seed)) for seed in (order * places).sum(dim=1)]


def _pad(x: Tensor, low: int, high: int) -> Tensor:
    """Pad (or, where negative, crop) both image axes."""
    return x if low == high == 0 else F.pad(x, (low, high, low, high))
