"""Progressive GAN (Karras et al. 2018, arXiv:1710.10196), fully grown.

Convolutions, each followed by a leaky ReLU, after which the features of every pixel are brought to
a root mean square of one. Gains of equalised learning rates are multiplied into the weights before
they come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import WIDTH, NetworkSettings, Range
from c2l_gans.networks.upsampling import upsample_convolve
from c2l_stylegan.shared import records_gradients

_SLOPE = 0.2


@dataclass(frozen=True)
class ProGANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        img_channels: of the image.
        channels: features at 4 px, 8 px and so on, up to the image's resolution.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "img_channels": (1, 4),
        "channels": WIDTH,
    }

    z_dim: int
    img_channels: int
    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.channels) <= 10:
            raise BadWeights(f"a ProGAN cannot have {len(self.channels)} resolutions")

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class ProGANNetwork(nn.Module):
    """Noise of a root mean square of one to an image."""

    def __init__(self, settings: ProGANSettings) -> None:
        super().__init__()
        channels = settings.channels
        self.first = nn.Linear(settings.z_dim, channels[0] * 16, bias=False)
        self.kernels = nn.ParameterList()
        self.biases = nn.ParameterList([torch.empty(channels[0])])
        for i, width in enumerate(channels):
            shapes = [(width, width, 3, 3)]
            if i:  # doubles the resolution, by a kernel of ``upsampling_kernel``
                shapes.insert(0, (channels[i - 1], width, 4, 4))
            for shape in shapes:
                # The memory order that convolutions of features with channels last want.
                self.kernels.append(torch.empty(shape, memory_format=torch.channels_last))
                self.biases.append(torch.empty(width))
        self.colours = nn.Parameter(torch.empty(settings.img_channels, channels[-1], 1, 1))
        self.colours_bias = nn.Parameter(torch.empty(settings.img_channels))

    def forward(self, z: Tensor) -> Tensor:
        """(B, z_dim) to (B, img_channels, H, W)."""
        with torch.set_grad_enabled(records_gradients(self, z)):
            first, *biases = self.biases
            x = self.first(z).unflatten(1, (-1, 4, 4)) + first[:, None, None]
            x = _activated(x.contiguous(memory_format=torch.channels_last))
            for kernel, bias in zip(self.kernels, biases, strict=True):
                if kernel.shape[2] == 4:
                    x = _activated(upsample_convolve(x, kernel, bias))
                else:
                    x = _activated(F.conv2d(x, kernel, bias, padding=1))
            return F.conv2d(x, self.colours, self.colours_bias)


def _activated(x: Tensor) -> Tensor:
    in_place = not torch.is_grad_enabled()
    x = F.leaky_relu(x, _SLOPE, inplace=in_place)
    factor = (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    return x.mul_(factor) if in_place else x * factor
