"""The generator of R3GAN (Huang et al. 2024, arXiv:2501.05441).

A latent, noise followed by the embedding of a class, weighs learned 4x4 features; residual blocks
of grouped convolutions follow, and a filter doubles the resolution between stages.
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
from c2l_gans.networks.settings import CLASSES, WIDTH, NetworkSettings, Range
from c2l_stylegan.shared import records_gradients

_SLOPE = 0.2


@dataclass(frozen=True)
class R3GANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        num_classes: 0 for a network without classes.
        embedded: width of a class embedding; 0 without classes.
        img_channels: of the image.
        channels: of each stage, from 4 px up.
        expanded: channels within the blocks of each stage.
        groups: of the convolutions within them.
        num_blocks: of each stage.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "num_classes": CLASSES,
        "embedded": (0, WIDTH[1]),
        "img_channels": (1, 4),
        "channels": WIDTH,
        "expanded": WIDTH,
        "groups": WIDTH,
        "num_blocks": (0, 64),
    }

    z_dim: int
    num_classes: int
    embedded: int
    img_channels: int
    channels: tuple[int, ...]
    expanded: tuple[int, ...]
    groups: tuple[int, ...]
    num_blocks: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        num = len(self.channels)
        if not 1 <= num == len(self.expanded) == len(self.groups) == len(self.num_blocks) <= 10:
            raise BadWeights(f"an R3GAN cannot have {num} stages")
        if any(e % g for e, g in zip(self.expanded, self.groups, strict=True)):
            raise BadWeights("groups of a convolution are not equal")

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class Block(nn.Module):
    """A residual block: pixel by pixel to many channels, 3x3 within groups, and back."""

    def __init__(self, channels: int, expanded: int, groups: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, expanded, 1)
        self.within = nn.Conv2d(expanded, expanded, 3, padding=1, groups=groups)
        self.reduce = nn.Conv2d(expanded, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        y = F.leaky_relu(self.expand(x), _SLOPE, inplace=True)
        y = F.leaky_relu(self.within(y), _SLOPE, inplace=True)
        changed: Tensor = self.reduce(y)
        return x + changed


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C, 2H, 2W), filtered by 1, 3, 3, 1 in each direction, zeros around.

    With a margin of zeros, which is cut off again, linear interpolation is that filter.
    """
    x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear")
    return x[:, :, 2:-2, 2:-2]


class R3GANNetwork(nn.Module):
    """Noise, and a class embedding where there are classes, to an image."""

    def __init__(self, settings: R3GANSettings) -> None:
        super().__init__()
        self.settings = settings
        channels, embedded = settings.channels, settings.embedded
        table = nn.Embedding(settings.num_classes, embedded) if settings.num_classes else None
        self.embedding = table
        self.weigh = nn.Linear(settings.z_dim + embedded, channels[0], bias=False)
        self.basis = nn.Parameter(torch.empty(channels[0], 4, 4))
        self.narrow = nn.ModuleDict(
            {
                str(i): nn.Conv2d(before, after, 1, bias=False)
                for i, (before, after) in enumerate(pairwise(channels))
                if before != after
            }
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(Block(width, expanded, groups) for _ in range(num))
            for width, expanded, groups, num in zip(
                channels, settings.expanded, settings.groups, settings.num_blocks, strict=True
            )
        )
        self.colours = nn.Conv2d(channels[-1], settings.img_channels, 1, bias=False)

    def forward(self, code: Tensor) -> Tensor:
        """Latents (B, D) to images."""
        with torch.set_grad_enabled(records_gradients(self, code)):
            x = self.basis * self.weigh(code)[:, :, None, None]
            x = x.contiguous(memory_format=torch.channels_last)
            for i, stage in enumerate(self.stages):
                if i:
                    before = str(i - 1)
                    x = doubled(self.narrow[before](x) if before in self.narrow else x)
                for block in stage:  # type: ignore[attr-defined]
                    x = block(x)
            image: Tensor = self.colours(x)
            return image
