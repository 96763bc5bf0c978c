"""The generator of lucidrains' stylegan2-pytorch, a StyleGAN2 of its own layout.

All layers of a block read one style; features are doubled by linear interpolation; colours of all
resolutions add up; and one noise map serves all layers, each its upper left corner.
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
from c2l_stylegan.shared import Modulated, Scratch, records_gradients

_SLOPE = 0.2
_HEADS = 8


@dataclass(frozen=True)
class LucidrainsSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise, and of a style.
        mapping_layers: how many layers make a style of noise.
        img_channels: of the image; the fourth is its opacity.
        channels: of the first features, then of each block's.
        has_start: whether the first features are learned, and not made of the styles.
        attention: for each block, the width of the attention before it; 0 for none.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "mapping_layers": (1, 64),
        "img_channels": (1, 4),
        "channels": WIDTH,
        "attention": (0, WIDTH[1]),
    }

    z_dim: int
    mapping_layers: int
    img_channels: int
    channels: tuple[int, ...]
    has_start: bool
    attention: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        fit = all(width % _HEADS == 0 for width in self.attention)
        if not 1 <= len(self.attention) == len(self.channels) - 1 <= 10 or not fit:
            raise BadWeights("the blocks of the network do not fit together")

    @property
    def num_classes(self) -> int:
        """It has none."""
        return 0

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << (len(self.attention) - 1)


class Layer(Modulated):
    """A 3x3 convolution that a style scales, with noise and an activation."""

    padding = 1

    def __init__(self, in_channels: int, out_channels: int, w_dim: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.noise_strength = nn.Parameter(torch.empty(out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor, scratch: Scratch) -> Tensor:
        """(B, I, H, W), styles (B, D) and noise (H, W) to (B, O, H, W)."""
        style = self.style(w)
        scale = (style.square() @ self.power().T + 1e-8).rsqrt()
        convolve = self.modulated(x.shape, style, scale, self.bias, dtype=x.dtype)
        y = torch.addcmul(convolve(x, True, scratch), noise, self.noise_strength[:, None, None])
        return F.leaky_relu(y, _SLOPE, inplace=True)


class Colours(nn.Module):
    """Features to colours by pixel, scaled by a style."""

    def __init__(self, in_channels: int, img_channels: int, w_dim: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.empty(img_channels, in_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """(B, I, H, W) and styles (B, D) to (B, img_channels, H, W)."""
        weight = self.style(w)[:, None] * self.weight
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        return (weight @ pixels.mT).unflatten(2, x.shape[2:])


class Block(nn.Module):
    """Two layers and their colours; ``up`` doubles the resolution first."""

    def __init__(
        self, in_channels: int, out_channels: int, img_channels: int, w_dim: int, *, up: bool
    ) -> None:
        super().__init__()
        self.up = up
        self.first = Layer(in_channels, out_channels, w_dim)
        self.second = Layer(out_channels, out_channels, w_dim)
        self.colours = Colours(out_channels, img_channels, w_dim)

    def forward(
        self, x: Tensor, image: Tensor | None, w: Tensor, noise: Tensor, scratch: Scratch
    ) -> tuple[Tensor, Tensor]:
        """Features and the image so far, to those of this block."""
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        noise = noise[: x.shape[2], : x.shape[3]]
        x = self.second(self.first(x, w, noise, scratch), w, noise, scratch)
        colours = self.colours(x, w)
        if image is not None:
            colours = colours + _doubled(image)
        return x, colours


def _doubled(image: Tensor) -> Tensor:
    """Twice as high and wide, and blurred: mirrored at the edges."""
    image = F.pad(F.interpolate(image, scale_factor=2, mode="bilinear"), (1, 1, 1, 1), "reflect")
    rows = image[:, :, :-2] + image[:, :, 2:] + 2 * image[:, :, 1:-1]
    return (rows[..., :-2] + rows[..., 2:] + 2 * rows[..., 1:-1]) / 16


class Attention(nn.Module):
    """Linear attention, then two layers for each pixel; each adds to what it is given."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Conv2d(channels, width, 1, bias=False)
        self.spread = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.rest = nn.Conv2d(channels, 2 * width, 1, bias=False)
        self.out = nn.Conv2d(width, channels, 1)
        self.last_norm = nn.LayerNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)
        self.scale = (width // _HEADS) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        y = _normalised(x, self.norm)
        key, value = self.rest(self.spread(y)).chunk(2, dim=1)
        query, key, value = (
            t.flatten(2).unflatten(1, (_HEADS, -1)) for t in (self.query(y), key, value)
        )
        context = key.softmax(dim=3) @ value.mT
        seen = context.mT @ (query.softmax(dim=2) * self.scale)
        x = x + self.out(F.gelu(seen.flatten(1, 2).unflatten(2, x.shape[2:])))
        y = F.leaky_relu(self.widen(_normalised(x, self.last_norm)), _SLOPE)
        changed: Tensor = self.narrow(y)
        return x + changed


def _normalised(x: Tensor, norm: nn.Module) -> Tensor:
    y: Tensor = norm(x.permute(0, 2, 3, 1))
    return y.permute(0, 3, 1, 2)


class LucidrainsNetwork(nn.Module):
    """Styles, one for each block, to an image."""

    noise_const: Tensor
    start: nn.Parameter

    def __init__(self, settings: LucidrainsSettings) -> None:
        super().__init__()
        self.settings = settings
        width, channels = settings.z_dim, settings.channels
        self.mapping = nn.ModuleList(
            nn.Linear(width, width) for _ in range(settings.mapping_layers)
        )
        if settings.has_start:
            self.start = nn.Parameter(torch.empty(channels[0], 4, 4))
        else:
            self.made = nn.Linear(width, 16 * channels[0], bias=False)
            self.first = nn.Conv2d(channels[0], channels[0], 3, padding=1)
        self.blocks, self.attentions = nn.ModuleList(), nn.ModuleDict()
        for i, (before, after) in enumerate(pairwise(channels)):
            self.blocks.append(Block(before, after, settings.img_channels, width, up=i > 0))
            if settings.attention[i]:
                self.attentions[str(i)] = Attention(before, settings.attention[i])
        self.register_buffer("noise_const", torch.empty([settings.resolution] * 2))

    @property
    def w_dim(self) -> int:
        """Width of a style."""
        return self.settings.z_dim

    @property
    def num_ws(self) -> int:
        """How many styles it takes."""
        return len(self.blocks)

    def style(self, z: Tensor) -> Tensor:
        """Noise (B, z_dim) to styles (B, w_dim)."""
        w = F.normalize(z, dim=1)
        for layer in self.mapping:
            w = F.leaky_relu(layer(w), _SLOPE)
        return w

    def forward(self, ws: Tensor) -> Tensor:
        """(B, num_ws, w_dim) to (B, img_channels, H, W)."""
        with torch.set_grad_enabled(records_gradients(self, ws)):
            if self.settings.has_start:
                x = self.start.expand(len(ws), -1, -1, -1)
            else:
                x = self.first(self.made(ws.mean(dim=1)).unflatten(1, (-1, 4, 4)))
            image, scratch = None, Scratch(ws)
            for i, block in enumerate(self.blocks):
                if str(i) in self.attentions:
                    x = self.attentions[str(i)](x)
                x, image = block(x, image, ws[:, i], self.noise_const, scratch)
            assert image is not None
            return 2 * image - 1
