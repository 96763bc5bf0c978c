"""The generator of Progressive GAN (Karras et al. 2018, arXiv:1710.10196), fully grown.

Equalised learning rates are multiplied into the weights before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import WIDTH, NetworkSettings, Range
from c2l_gans.networks.upsampling import upsample_convolve
from c2l_stylegan.shared import records_gradients


@dataclass(frozen=True)
class ProGANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        img_channels: of the image.
        channels: features at 4 px, 8 px and so on.
        slope: of the activations below zero.
        tanh: whether a tanh bounds the image.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "img_channels": (1, 4),
        "channels": WIDTH,
    }

    z_dim: int
    img_channels: int
    channels: tuple[int, ...]
    slope: float = 0.2
    tanh: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.channels) <= 10:
            raise BadWeights(f"a ProGAN cannot have {len(self.channels)} resolutions")

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class Layer(nn.Module):
    """A 3x3 convolution, an activation, and features of a mean square of one.

    ``up`` doubles the resolution first; its kernel is then one of ``upsampling_kernel``.
    """

    def __init__(self, in_channels: int, out_channels: int, slope: float, *, up: bool) -> None:
        super().__init__()
        self.up, self.slope = up, slope
        shape = (in_channels, out_channels, 4, 4) if up else (out_channels, in_channels, 3, 3)
        # The memory order that convolutions of features with channels last want.
        self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) to (B, O, H', W')."""
        if self.up:
            x = upsample_convolve(x, self.weight, self.bias)
        else:
            x = F.conv2d(x, self.weight, self.bias, padding=1)
        return unit(F.leaky_relu(x, self.slope, inplace=True))


def unit(x: Tensor) -> Tensor:
    """Features (B, C, ...) whose mean square over the channels is one."""
    power = torch.linalg.vector_norm(x, dim=1, keepdim=True).square() / x.shape[1]
    return x * (power + 1e-8).rsqrt()


class ProGANNetwork(nn.Module):
    """Noise of a mean square of one to an image."""

    def __init__(self, settings: ProGANSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, slope = settings.channels, settings.slope
        self.first = nn.Linear(settings.z_dim, 16 * channels[0])
        self.layers = nn.ModuleList([Layer(channels[0], channels[0], slope, up=False)])
        for before, after in pairwise(channels):
            self.layers.append(Layer(before, after, slope, up=True))
            self.layers.append(Layer(after, after, slope, up=False))
        self.colours = nn.Conv2d(channels[-1], settings.img_channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        """(B, z_dim) to images."""
        with torch.set_grad_enabled(records_gradients(self, z)):
            x = self.first(z).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
            x = unit(F.leaky_relu(x, self.settings.slope))
            for layer in self.layers:
                x = layer(x)
            image: Tensor = self.colours(x)
            return image.tanh() if self.settings.tanh else image
