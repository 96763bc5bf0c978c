"""The generator of FastGAN (Liu et al. 2021, arXiv:2101.04775) and of Projected GAN.

Noise becomes 4x4 features; each block doubles the resolution, and the features of low resolutions
excite channels of high ones. Files hold batch normalisation and spectral normalisation, which are
fixed once a network is trained: they are multiplied into the convolutions before they come here.
"""

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
from c2l_stylegan.shared import Noise, NoiseMaps, records_gradients

EXCITED = (64, 128, 256, 512)
"""Resolutions whose channels are excited, each by the features of a sixteenth of it."""


@dataclass(frozen=True)
class FastGANSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        z_dim: width of the noise.
        img_channels: of the image.
        channels: features at 4 px, 8 px and so on, up to the image's resolution.
        is_double: for each block from 8 px up, whether it has two convolutions, each with noise,
            or one without.
        tanh: whether a tanh bounds the image.
        num_classes: 0 for a network without classes.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        "z_dim": WIDTH,
        "img_channels": (1, 4),
        "channels": WIDTH,
        "num_classes": CLASSES,
    }

    z_dim: int
    img_channels: int
    channels: tuple[int, ...]
    is_double: tuple[bool, ...]
    tanh: bool = False
    num_classes: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 5 <= len(self.channels) == len(self.is_double) + 1 <= 11:
            raise BadWeights(f"a FastGAN cannot have {len(self.is_double)} blocks")

    @property
    def resolution(self) -> int:
        """Height and width of the image."""
        return 4 << len(self.is_double)


class Layer(nn.Module):
    """A convolution, noise, a normalisation and a gated linear unit.

    Args:
        up: whether it doubles the resolution, by a kernel of ``upsampling_kernel``.
        size: height and width of what it puts out; 0 for a layer without noise.
        embedded: width of the class embedding that chooses gain and bias; 0 for fixed ones.
    """

    noise_const: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, *, up: bool, size: int, embedded: int
    ) -> None:
        super().__init__()
        self.up, self.has_noise = up, size > 0
        num = 2 * out_channels
        shape = (in_channels, num, 4, 4) if up else (num, in_channels, 3, 3)
        # The memory order that convolutions of features with channels last want.
        self.weight = nn.Parameter(torch.empty(shape, memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.empty(num))
        if size:
            self.noise_strength = nn.Parameter(torch.empty(num))
            self.register_buffer("noise_const", torch.empty(size, size))
        self.gain = nn.Linear(embedded, num) if embedded else None
        self.shift = nn.Linear(embedded, num) if embedded else None

    def forward(self, x: Tensor, embedding: Tensor, noise: NoiseMaps) -> Tensor:
        """(B, I, H, W) and class embeddings (B, E) to (B, O, H', W')."""
        if self.up:
            x = upsample_convolve(x, self.weight, self.bias)
        else:
            x = F.conv2d(x, self.weight, self.bias, padding=1)
        added = noise.next(self.noise_const) if self.has_noise else None
        if added is not None:
            x = x + added * self.noise_strength[:, None, None]
        if self.gain is not None and self.shift is not None:
            gain, shift = self.gain(embedding), self.shift(embedding)
            x = torch.addcmul(shift[:, :, None, None], x, gain[:, :, None, None])
        return F.glu(x, dim=1)


class Excitation(nn.Module):
    """What low features make of the channels of high ones: a factor for each."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Parameter(torch.empty(out_channels, in_channels, 4, 4))
        self.expand = nn.Parameter(torch.empty(out_channels, out_channels, 1, 1))

    def forward(self, low: Tensor) -> Tensor:
        """(B, I, h, w) to (B, O, 1, 1)."""
        pooled = F.adaptive_avg_pool2d(low, 4)
        # One pixel each: products of matrices.
        hidden = F.silu(F.linear(pooled.flatten(1), self.squeeze.flatten(1)))
        return F.linear(hidden, self.expand.flatten(1)).sigmoid()[:, :, None, None]


class FastGANNetwork(nn.Module):
    """Noise, and a class embedding where there are classes, to an image."""

    def __init__(self, settings: FastGANSettings) -> None:
        super().__init__()
        self.settings = settings
        channels = settings.channels
        embedded = settings.z_dim if settings.num_classes else 0
        self.first = nn.Linear(settings.z_dim, 2 * channels[0] * 16, bias=False)
        self.first_bias = nn.Parameter(torch.empty(2 * channels[0], 1, 1))
        self.embedding = nn.Embedding(settings.num_classes, embedded) if embedded else None
        self.blocks = nn.ModuleDict()
        self.excitations = nn.ModuleDict()
        for i, is_double in enumerate(settings.is_double, start=1):
            size, width = 4 << i, channels[i]
            noisy = size if is_double else 0
            layers = [Layer(channels[i - 1], width, up=True, size=noisy, embedded=embedded)]
            if is_double:
                layers.append(Layer(width, width, up=False, size=noisy, embedded=embedded))
            self.blocks[str(size)] = nn.ModuleList(layers)
            if size in EXCITED:
                self.excitations[str(size)] = Excitation(channels[i - 4], width)
        self.colours = nn.Parameter(torch.empty(settings.img_channels, channels[-1], 3, 3))
        self.colours_bias = nn.Parameter(torch.empty(settings.img_channels))

    def forward(self, z: Tensor, embedding: Tensor, noise: Noise = "const") -> Tensor:
        """z (B, z_dim) and class embeddings (B, E), E = 0 without classes, to images."""
        with torch.set_grad_enabled(records_gradients(self, z)):
            maps = NoiseMaps(noise, z[:, None])
            x = self.first(z).unflatten(1, (-1, 4, 4)) + self.first_bias
            x = F.glu(x.contiguous(memory_format=torch.channels_last), dim=1)
            features = {4: x}
            for name, layers in self.blocks.items():
                size = int(name)
                for layer in layers:  # type: ignore[attr-defined]
                    x = layer(x, embedding, maps)
                if name in self.excitations:
                    x = x * self.excitations[name](features.pop(size // 16))
                features[size] = x
            image = F.conv2d(x, self.colours, self.colours_bias, padding=1)
            return image.tanh() if self.settings.tanh else image
