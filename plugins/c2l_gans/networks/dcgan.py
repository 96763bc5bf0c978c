"""The generator of DCGAN (Radford et al. 2016, arXiv:1511.06434): transposed convolutions alone.

Batch normalisation is multiplied into them before they come here.
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
class DCGANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        channels: features at 4 px, then after each doubling; the last are the image's.
        tanh: whether a tanh bounds the image.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {"z_dim": WIDTH, "channels": WIDTH}

    z_dim: int
    channels: tuple[int, ...]
    tanh: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= len(self.channels) <= 10 or self.channels[-1] > 4:
            raise BadWeights(f"a DCGAN cannot have channels {str(self.channels)[:60]}")

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class Doubling(nn.Module):
    """A transposed convolution of 4x4 taps, in steps of two."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        # The memory order that convolutions of features with channels last want.
        shape = (in_channels, out_channels, 4, 4)
        self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) to (B, O, 2H, 2W)."""
        return upsample_convolve(x, self.weight, self.bias)


class DCGANNetwork(nn.Module):
    """Noise to an image."""

    def __init__(self, settings: DCGANSettings) -> None:
        super().__init__()
        self.settings = settings
        channels = settings.channels
        self.first = nn.Linear(settings.z_dim, 16 * channels[0])
        self.doublings = nn.ModuleList(Doubling(a, b) for a, b in pairwise(channels))

    def forward(self, z: Tensor) -> Tensor:
        """(B, z_dim) to images."""
        with torch.set_grad_enabled(records_gradients(self, z)):
            x = self.first(z).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
            for doubling in self.doublings:
                x = doubling(F.relu(x))
            return x.tanh() if self.settings.tanh else x
