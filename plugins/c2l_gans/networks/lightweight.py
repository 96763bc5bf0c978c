"""The generator of lucidrains' lightweight-gan, a relative of FastGAN.

Each stage doubles the resolution: four times the channels, activated and shuffled into pixels,
blurred and convolved. Stages from 8 to 64 px also give factors for the channels of the stages 16
times as large. A stage may look around itself first, by attention.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.settings import WIDTH, NetworkSettings, Range
from c2l_stylegan.shared import Noise, NoiseMaps, records_gradients

_HEADS = 8
_AHEAD = 4
"""Stages between the one that gives factors and the one whose channels are multiplied."""
FACTORS = ("", "pooled", "frequencies")
"""How a stage finds its factors: not at all, from an average that weighs pixels, or from fixed
waves."""


@dataclass(frozen=True)
class LightweightSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        img_channels: of the image; the fourth is its opacity.
        channels: features at 4 px, as many as z has, then what each stage puts out.
        hidden: for each stage, the width between its features and its factors; 0 for no factors.
        factors: for each stage, one of ``FACTORS``.
        attention: for each stage, the width of its attention; 0 for none.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "img_channels": (1, 4),
        "channels": WIDTH,
        "hidden": (0, 1 << 16),
        "attention": (0, 1 << 16),
    }

    img_channels: int
    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    factors: tuple[str, ...]
    attention: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        num = len(self.channels) - 1
        told = {len(self.hidden), len(self.factors), len(self.attention)}
        is_known = set(self.factors) <= set(FACTORS)
        fit = all(width % _HEADS == 0 for width in self.attention)
        late = any(name and i + _AHEAD > num for i, name in enumerate(self.factors))
        if not 1 <= num <= 11 or told != {num} or not is_known or not fit or late:
            raise BadWeights("the stages of the network do not fit together")

    @property
    def z_dim(self) -> int:
        """Width of the noise."""
        return self.channels[0]

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.channels) - 1)


class Factors(nn.Module):
    """Features to a factor for each channel of a later stage.

    Args:
        size: of the waves that are looked for, height and width; 0 to average pixels instead.
    """

    def __init__(self, in_channels: int, hidden: int, out_channels: int, size: int) -> None:
        super().__init__()
        if size:
            self.register_buffer("waves", torch.empty(in_channels, size, size))
        else:
            self.weigh = nn.Linear(in_channels, 1)
        self.has_waves = size > 0
        self.squeeze = nn.Linear(in_channels, hidden)
        self.expand = nn.Linear(hidden, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, I, H, W) to (B, O, 1, 1)."""
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        if self.has_waves:
            waves: Tensor = self.waves  # type: ignore[assignment]
            seen = torch.einsum("bpc,cp->bc", pixels, waves.flatten(1))
        else:
            shares = self.weigh(pixels).softmax(dim=1)
            seen = (shares.transpose(1, 2) @ pixels)[:, 0]
        found: Tensor = self.expand(F.leaky_relu(self.squeeze(seen), 0.1)).sigmoid()
        return found[:, :, None, None]


class Attention(nn.Module):
    """What a pixel sees of all others, by linear attention, and of its neighbours, by the usual."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.far_query = nn.Parameter(torch.empty(width, channels, 1, 1))
        self.far_spread = nn.Parameter(torch.empty(channels, 1, 3, 3))
        self.far_rest = nn.Parameter(torch.empty(2 * width, channels, 1, 1))
        self.near_query = nn.Parameter(torch.empty(width, channels, 1, 1))
        self.near_rest = nn.Parameter(torch.empty(2 * width, channels, 1, 1))
        self.out = nn.Parameter(torch.empty(channels, 2 * width, 1, 1))
        self.out_bias = nn.Parameter(torch.empty(channels))
        self.scale = (width // _HEADS) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        """What is added to features (B, C, H, W)."""
        channels = x.shape[1]
        x = F.layer_norm(x.permute(0, 2, 3, 1), (channels,), self.gain, self.bias)
        x = x.permute(0, 3, 1, 2)
        both = torch.cat([F.gelu(self._far(x)), self._near(x)], dim=1)
        return F.conv2d(both, self.out, self.out_bias)

    def _far(self, x: Tensor) -> Tensor:
        spread = F.conv2d(x, self.far_spread, padding=1, groups=x.shape[1])
        key, value = F.conv2d(spread, self.far_rest).chunk(2, dim=1)
        query, key, value = (
            t.flatten(2).unflatten(1, (_HEADS, -1))
            for t in (F.conv2d(x, self.far_query), key, value)
        )
        context = key.softmax(dim=3) @ value.transpose(2, 3)
        seen = context.transpose(2, 3) @ (query.softmax(dim=2) * self.scale)
        return seen.flatten(1, 2).unflatten(2, x.shape[2:])

    def _near(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        query = F.conv2d(x, self.near_query).unflatten(1, (_HEADS, -1)) * self.scale
        key, value = F.pad(F.conv2d(x, self.near_rest), (1, 1, 1, 1)).chunk(2, dim=1)
        places = [(i, j) for i in range(3) for j in range(3)]

        def neighbours(t: Tensor) -> list[Tensor]:
            t = t.unflatten(1, (_HEADS, -1))
            return [t[..., i : i + height, j : j + width] for i, j in places]

        likeness = torch.stack([(query * k).sum(dim=2) for k in neighbours(key)])
        shares = likeness.softmax(dim=0)[:, :, :, None]
        seen = sum(share * v for share, v in zip(shares, neighbours(value), strict=True))
        assert isinstance(seen, Tensor)
        return seen.flatten(1, 2)


class Stage(nn.Module):
    """From one resolution to twice that, with noise and a gated linear unit."""

    noise_const: Tensor
    blur: Tensor

    def __init__(self, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__()
        self.expand = nn.Parameter(torch.empty(4 * in_channels, in_channels, 1, 1))
        self.expand_bias = nn.Parameter(torch.empty(4 * in_channels))
        kernel = torch.empty(
            (2 * out_channels, in_channels, 4, 4), memory_format=torch.channels_last
        )
        self.weight = nn.Parameter(kernel)
        self.bias = nn.Parameter(torch.empty(2 * out_channels))
        self.noise_strength = nn.Parameter(torch.empty(2 * out_channels))
        self.register_buffer("noise_const", torch.empty(size, size))
        self.register_buffer("blur", torch.empty(3))

    def forward(self, x: Tensor, noise: NoiseMaps) -> Tensor:
        """(B, I, H, W) to (B, O, 2H, 2W)."""
        x = F.pixel_shuffle(F.silu(F.conv2d(x, self.expand, self.expand_bias)), 2)
        taps = torch.outer(self.blur, self.blur)
        taps = (taps / taps.abs().sum()).expand(x.shape[1], 1, 3, 3)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), taps, groups=x.shape[1])
        x = F.conv2d(F.pad(x, (2, 1, 2, 1)), self.weight, self.bias)
        added = noise.next(self.noise_const)
        if added is not None:
            x = x + added * self.noise_strength[:, None, None]
        return F.glu(x, dim=1)


class LightweightNetwork(nn.Module):
    """Noise to an image."""

    def __init__(self, settings: LightweightSettings) -> None:
        super().__init__()
        channels = settings.channels
        self.first = nn.Linear(channels[0], 2 * channels[0] * 16, bias=False)
        self.first_bias = nn.Parameter(torch.empty(2 * channels[0], 1, 1))
        self.stages = nn.ModuleList()
        self.factors = nn.ModuleDict()
        self.attentions = nn.ModuleDict()
        for i, (before, after) in enumerate(itertools.pairwise(channels)):
            size = 8 << i
            self.stages.append(Stage(before, after, size))
            if settings.factors[i]:
                waves = size if settings.factors[i] == "frequencies" else 0
                target = channels[i + _AHEAD]
                self.factors[str(i)] = Factors(after, settings.hidden[i], target, waves)
            if settings.attention[i]:
                self.attentions[str(i)] = Attention(before, settings.attention[i])
        self.colours = nn.Parameter(torch.empty(settings.img_channels, channels[-1], 3, 3))
        self.colours_bias = nn.Parameter(torch.empty(settings.img_channels))

    def forward(self, z: Tensor, noise: Noise = "const") -> Tensor:
        """(B, z_dim) to (B, img_channels, H, W)."""
        with torch.set_grad_enabled(records_gradients(self, z)):
            maps = NoiseMaps(noise, z[:, None])
            x = self.first(z).unflatten(1, (-1, 4, 4)) + self.first_bias
            x = F.glu(x.contiguous(memory_format=torch.channels_last), dim=1)
            x = F.normalize(x, dim=1)
            ahead: dict[int, Tensor] = {}
            for i, stage in enumerate(self.stages):
                name = str(i)
                if name in self.attentions:
                    x = x + self.attentions[name](x)
                x = stage(x, maps)
                if name in self.factors:
                    ahead[i + _AHEAD - 1] = self.factors[name](x)
                if i in ahead:
                    x = x * ahead.pop(i)
            return F.conv2d(x, self.colours, self.colours_bias, padding=1)
