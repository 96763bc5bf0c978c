"""The generators of BigGAN and BigGAN-deep (Brock et al. 2019, arXiv:1809.11096).

A latent is noise followed by the embedding of a class. It becomes 4x4 features, and sets gain and
bias of each normalisation after them.
"""

# Letters: B batch, L layers, D width of a latent, C channels, S rows of statistics, H and W size.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import CLASSES, WIDTH, NetworkSettings, Range
from c2l_gans.networks.upsampling import upsample_convolve
from c2l_stylegan.shared import records_gradients

_NARROWER = 4
"""How many times fewer channels there are within a block of BigGAN-deep."""


@dataclass(frozen=True)
class BigGANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        num_classes: how many there are.
        embedded: width of a class embedding; 0 where a class is a one among zeros.
        channels: of the 4x4 features, then after each block.
        is_up: of each block, whether it doubles the resolution.
        slots: into how many equal parts the noise is cut, the first for the features, and one for
            each block, which also reads the embedding; blocks that none is left for read that
            alone. 0 if all read everything.
        attention: numbers of the blocks that self-attention comes before.
        is_deep: whether blocks are those of BigGAN-deep.
        num_statistics: how many truncations between 0 and 1 normalisations have statistics of.
        is_bounded: whether noise was drawn from -2 to 2, and not from all numbers.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "num_classes": (1, CLASSES[1]),
        "embedded": (0, WIDTH[1]),
        "channels": WIDTH,
        "slots": (0, 65),
        "attention": (0, 64),
        "num_statistics": (1, 1 << 12),
    }

    z_dim: int
    num_classes: int
    embedded: int
    channels: tuple[int, ...]
    is_up: tuple[bool, ...]
    slots: int = 0
    attention: tuple[int, ...] = ()
    is_deep: bool = False
    num_statistics: int = 1
    is_bounded: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.is_up) == len(self.channels) - 1 <= 64 or sum(self.is_up) > 10:
            raise BadWeights(f"a BigGAN cannot have {len(self.is_up)} blocks")
        if self.slots and self.z_dim % self.slots:
            raise BadWeights(f"noise of {self.z_dim} numbers has no {self.slots} equal parts")

    @property
    def num_layers(self) -> int:
        """How many layers read a latent: the first features, and each block."""
        return 1 + len(self.is_up)

    @property
    def class_width(self) -> int:
        """Numbers of a latent that say its class."""
        return self.embedded or self.num_classes

    def seen(self, layer: int) -> list[slice]:
        """What the features (layer 0) or a block (from 1) read of a latent."""
        everything = slice(0, self.z_dim + self.class_width)
        if not self.slots:
            return [everything]
        size = self.z_dim // self.slots
        noise = slice(min(layer * size, self.z_dim), min((layer + 1) * size, self.z_dim))
        return [noise, slice(self.z_dim, everything.stop)] if layer else [noise]

    def num_seen(self, layer: int) -> int:
        """How many numbers those are."""
        return sum(part.stop - part.start for part in self.seen(layer))

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << sum(self.is_up)


class Norms(nn.Module):
    """The normalisations of a block: their statistics, and what a latent makes of their gains.

    Args:
        channels: of each normalisation.
        width: of the latent.
        num_statistics: rows of the tables.
    """

    means: Tensor
    variances: Tensor

    def __init__(self, channels: tuple[int, ...], width: int, num_statistics: int) -> None:
        super().__init__()
        self.channels, total = channels, sum(channels)
        self.gain = nn.Linear(width, total, bias=False)
        self.shift = nn.Linear(width, total, bias=False)
        self.register_buffer("means", torch.empty(num_statistics, total))
        self.register_buffer("variances", torch.empty(num_statistics, total))

    def forward(self, code: Tensor, truncation: float) -> list[tuple[Tensor, Tensor]]:
        """Latents (B, D) to factor and addend (B, C, 1, 1) of each normalisation."""
        mean, variance = at(self.means, truncation), at(self.variances, truncation)
        factor = (1 + self.gain(code)) * variance.rsqrt()
        addend = self.shift(code) - mean * factor
        parts = zip(factor.split(self.channels, 1), addend.split(self.channels, 1), strict=True)
        return [(f[:, :, None, None], a[:, :, None, None]) for f, a in parts]


def at(table: Tensor, truncation: float) -> Tensor:
    """The row (C,) of a table (S, C) that belongs to a truncation, which run evenly from 0 to 1."""
    place = min(max(truncation, 0.0), 1.0) * (len(table) - 1)
    low = min(round(place) if abs(place - round(place)) < 1e-6 else int(place), len(table) - 1)
    if (rest := place - low) < 1e-6:
        return table[low]
    return table[low].lerp(table[low + 1], rest)


def _normalised(x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
    factor, addend = norm
    return torch.addcmul(addend, x, factor).relu_()


class Convolution(nn.Module):
    """A convolution, of 3x3 taps with a margin of zeros or of one; ``up`` doubles the size first.

    With ``up`` its kernel is one of ``upsampling_kernel``.
    """

    def __init__(self, in_channels: int, out_channels: int, taps: int, *, up: bool = False) -> None:
        super().__init__()
        self.up, self.margin = up, taps // 2
        shape = (in_channels, out_channels, 4, 4) if up else (out_channels, in_channels, taps, taps)
        # The memory order that convolutions of features with channels last want.
        self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) to (B, O, H, W), or twice as high and wide."""
        if self.up:
            return upsample_convolve(x, self.weight, self.bias)
        return F.conv2d(x, self.weight, self.bias, padding=self.margin)


class PlainBlock(nn.Module):
    """A residual block of BigGAN: two convolutions, and one pixel by one beside them."""

    def __init__(self, in_channels: int, out_channels: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.convs = nn.ModuleList(
            [
                Convolution(in_channels, out_channels, 3, up=up),
                Convolution(out_channels, out_channels, 3),
            ]
        )
        is_same = in_channels == out_channels and not up
        self.skip = None if is_same else Convolution(in_channels, out_channels, 1)

    @staticmethod
    def normalised(in_channels: int, out_channels: int) -> tuple[int, ...]:
        """Channels of its normalisations."""
        return in_channels, out_channels

    def forward(self, x: Tensor, norms: list[tuple[Tensor, Tensor]]) -> Tensor:
        """(B, I, H, W) to (B, O, H', W')."""
        y = x
        for conv, norm in zip(self.convs, norms, strict=True):
            y = conv(_normalised(y, norm))
        # Before pixels are repeated, a fourth of the work gives the same.
        x = x if self.skip is None else self.skip(x)
        return y + (_doubled(x) if self.up else x)


class DeepBlock(nn.Module):
    """A residual block of BigGAN-deep: a bottleneck, and channels dropped beside it."""

    def __init__(self, in_channels: int, out_channels: int, *, up: bool) -> None:
        super().__init__()
        self.up, self.out_channels = up, out_channels
        within = in_channels // _NARROWER
        self.convs = nn.ModuleList(
            [
                Convolution(in_channels, within, 1),
                Convolution(within, within, 3, up=up),
                Convolution(within, within, 3),
                Convolution(within, out_channels, 1),
            ]
        )

    @staticmethod
    def normalised(in_channels: int, out_channels: int) -> tuple[int, ...]:
        """Channels of its normalisations."""
        return (in_channels, *[in_channels // _NARROWER] * 3)

    def forward(self, x: Tensor, norms: list[tuple[Tensor, Tensor]]) -> Tensor:
        """(B, I, H, W) to (B, O, H', W')."""
        y = x
        for conv, norm in zip(self.convs, norms, strict=True):
            y = conv(_normalised(y, norm))
        x = x[:, : self.out_channels]
        return y + (_doubled(x) if self.up else x)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Attention(nn.Module):
    """Self-attention (Zhang et al. 2018): each pixel asks a pooled picture, and adds what it says.

    Its share is multiplied into ``out``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Linear(channels, channels // 8, bias=False)
        self.key = nn.Linear(channels, channels // 8, bias=False)
        self.value = nn.Linear(channels, channels // 2, bias=False)
        self.out = nn.Linear(channels // 2, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        pixels = x.permute(0, 2, 3, 1)
        query = self.query(pixels).flatten(1, 2)
        key, value = (
            F.max_pool2d(layer(pixels).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).flatten(1, 2)
            for layer in (self.key, self.value)
        )
        answers = (query @ key.mT).softmax(dim=-1) @ value
        return x + self.out(answers).unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class BigGANNetwork(nn.Module):
    """A latent for each layer to an image: the first features are a layer, and so is each block."""

    last_mean: Tensor
    last_variance: Tensor

    def __init__(self, settings: BigGANSettings) -> None:
        super().__init__()
        self.settings = settings
        channels = settings.channels
        block = DeepBlock if settings.is_deep else PlainBlock
        has_table = settings.embedded > 0
        table = nn.Embedding(settings.num_classes, settings.embedded) if has_table else None
        self.embedding = table
        self.first = nn.Linear(settings.num_seen(0), 16 * channels[0])
        self.norms, self.blocks = nn.ModuleList(), nn.ModuleList()
        self.attentions = nn.ModuleDict()
        for i, up in enumerate(settings.is_up):
            sizes = channels[i], channels[i + 1]
            normalised, width = block.normalised(*sizes), settings.num_seen(i + 1)
            self.norms.append(Norms(normalised, width, settings.num_statistics))
            self.blocks.append(block(*sizes, up=up))
            if i in settings.attention:
                self.attentions[str(i)] = Attention(channels[i])
        if len(channels) - 1 in settings.attention:
            self.attentions[str(len(channels) - 1)] = Attention(channels[-1])
        statistics = (settings.num_statistics, channels[-1])
        self.register_buffer("last_mean", torch.empty(statistics))
        self.register_buffer("last_variance", torch.empty(statistics))
        self.last_gain = nn.Parameter(torch.empty(channels[-1]))
        self.last_shift = nn.Parameter(torch.empty(channels[-1]))
        self.colours = Convolution(channels[-1], 3, 3)

    def forward(self, codes: Tensor, truncation: float = 1.0) -> Tensor:
        """Latents (B, L, D) to images; statistics are those of a truncation."""
        with torch.set_grad_enabled(records_gradients(self, codes)):
            x = self.first(self._seen(codes, 0)).unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
            for i, (block, norms) in enumerate(zip(self.blocks, self.norms, strict=True)):
                x = self._attended(x, i)
                x = block(x, norms(self._seen(codes, i + 1), truncation))
            x = self._attended(x, len(self.blocks))
            factor = self.last_gain * at(self.last_variance, truncation).rsqrt()
            addend = self.last_shift - at(self.last_mean, truncation) * factor
            x = _normalised(x, (factor[:, None, None], addend[:, None, None]))
            image: Tensor = self.colours(x)
            return image.tanh()

    def _seen(self, codes: Tensor, layer: int) -> Tensor:
        parts = [codes[:, layer, part] for part in self.settings.seen(layer)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _attended(self, x: Tensor, place: int) -> Tensor:
        name = str(place)
        return self.attentions[name](x) if name in self.attentions else x
