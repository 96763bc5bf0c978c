"""The layer of StyleGAN2 that draws: features to colours."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from c2l_stylegan.networks.initial_weights import normal
from c2l_stylegan.networks.mapping import FullyConnected
from c2l_stylegan.networks.settings import StyleGAN2Settings


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
        self.weight = nn.Parameter(normal(settings.img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(settings.img_channels))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Features (B, C, r, r) to colours (B, img_channels, r, r)."""
        batch, channels, height, width = x.shape
        x = x.to(w.dtype)
        styles = self.affine(w) * self.weight_gain
        weight = styles[:, None] * self.weight.flatten(1)
        pixels = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        y = _colours(pixels, weight).reshape(batch, len(self.weight), height, width)
        y = y + self.bias[:, None, None]
        if self.conv_clamp is not None:
            y = y.clamp(-self.conv_clamp, self.conv_clamp)
        return y
