"""A small StyleGAN2 (Karras et al. 2020, arXiv 1912.04958) that saw the demo's faces, no more.

The demo's own generator was taught by regression, and its w is a list of what a face shows. This
one is trained adversarially on drawings alone. Its w is whatever it became.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import LatentSpace, Source, draw_normal
from worlds.adversarial import Plan, every_layer, train
from worlds.drawings import Drawings

SIZE = 64
WIDTH = 96
"""Of z and of w."""
CHANNELS = (128, 128, 96, 64)
"""At 4, 8, 16 and 32 pixels; 64 are four pictures of 32, interleaved, and slightly blurred."""
SEEN = (48, 96, 128, 128)
"""The discriminator's, at 32, 16, 8 and 4 pixels."""
MAPPING_RATE = 0.01
"""The mapping learns so much more slowly, as everywhere since StyleGAN."""
PLAN = Plan(steps=5_000, batch=32, rate=2.5e-3, ema=0.998, r1=0.5, r1_every=16)


class Weight(nn.Module):
    """A weight of unit variance, which Adam then changes at one rate whatever its layer's size."""

    def __init__(self, *shape: int, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) / rate)
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.rate = rate
        self.gain = self.weight[0].numel() ** -0.5

    def scaled(self) -> Tensor:
        return self.weight * (self.gain * self.rate)


class Linear(Weight):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.scaled(), self.bias * self.rate)


class Convolution(Weight):
    """In whatever precision its input has."""

    def forward(self, x: Tensor, stride: int = 1) -> Tensor:
        padding = (self.weight.shape[-1] - 1) // 2
        weight = self.scaled().to(x.dtype, memory_format=torch.channels_last)
        return F.conv2d(x, weight, self.bias.to(x.dtype), stride, padding)


class Styled(Weight):
    """A convolution of channels scaled by w, whose output is brought back to unit variance."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(outputs, inputs, 3, 3)
        self.style = Linear(inputs, WIDTH)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style, weight = 1 + self.style(w), self.scaled()
        size = (style.square() @ weight.square().sum((2, 3)).T + 1e-8).rsqrt()
        weight = weight.to(x.dtype, memory_format=torch.channels_last)
        y = F.conv2d(x * _spread(style, x), weight, padding=1) * _spread(size, x)
        return _relu(y + self.bias[:, None, None].to(x.dtype))


class FacesGenerator(c2l.Generator):
    """Faces of 64 px from w."""

    reference = "worlds:faces-gan"
    z_width = WIDTH
    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mapping = nn.ModuleList(Linear(WIDTH, WIDTH, rate=MAPPING_RATE) for _ in range(4))
        self.start = nn.Parameter(torch.randn(1, CHANNELS[0], 4, 4))
        self.layers = nn.ModuleList([Styled(CHANNELS[0], CHANNELS[0])])
        for before, after in itertools.pairwise(CHANNELS):
            self.layers += [Styled(before, after), Styled(after, after)]
        self.layers.append(Styled(CHANNELS[-1], 48))
        self.leave = Convolution(3, 12, 3, 3)
        self.register_buffer("mean", torch.zeros(1, WIDTH))
        self.register_buffer("std", torch.ones(1, WIDTH))

    @classmethod
    def read(cls, file: Path) -> Self:
        """The one that training wrote."""
        generator = cls()
        generator.load_state_dict(safetensors.torch.load_file(file))
        return generator.eval().requires_grad_(False)

    @classmethod
    def load(cls, source: Source) -> Self:
        assert source.path is not None
        return cls.read(source.path)

    @property
    def latent_space(self) -> LatentSpace:
        return LatentSpace(1, WIDTH, (len(self.layers),), self.mean, self.std)

    @property
    def image_size(self) -> tuple[int, int]:
        return SIZE, SIZE

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.map(draw_normal(seeds, WIDTH).to(self.device))[:, None]

    def map(self, z: Tensor) -> Tensor:
        """Normal numbers (B, WIDTH) to w (B, WIDTH)."""
        x = F.normalize(z, dim=1) * WIDTH**0.5
        for layer in self.mapping:
            x = _relu(layer(x))
        return x

    def draw(self, codes: Tensor) -> Tensor:
        """As ``picture``, in the half precision that training can afford."""
        return self.picture(codes, torch.bfloat16)

    def picture(self, codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Codes (B, layers, WIDTH) to pictures (B, 3, SIZE, SIZE), about [-1, 1]."""
        x = self.start.expand(len(codes), -1, -1, -1)
        x = x.to(dtype, memory_format=torch.channels_last)
        for index, layer in enumerate(self.layers[:-1]):
            if index % 2:
                x = F.interpolate(x, scale_factor=2)
            x = layer(x, codes[:, index])
        x = F.pixel_shuffle(self.layers[-1](x, codes[:, -1]), 2)
        return _blurred(self.leave(x).float())

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        space = self.latent_space
        codes = space.expand(latents.to(self.device), repeats)
        return self.picture(torch.lerp(space.mean, codes, truncation))


class Discriminator(nn.Module):
    """Whether a picture is a drawing; it also sees how much the batch varies."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Convolution(SEEN[0], 12, 3, 3)
        self.blocks = nn.ModuleList(Halve(a, b) for a, b in itertools.pairwise(SEEN))
        self.last = Convolution(SEEN[-1], SEEN[-1] + 1, 3, 3)
        self.leave = nn.Sequential(Linear(128, SEEN[-1] * 16), nn.LeakyReLU(0.2), Linear(1, 128))

    def forward(self, images: Tensor) -> Tensor:
        # The penalty's second derivatives are taken in full precision.
        dtype = torch.float32 if images.requires_grad and images.is_leaf else torch.bfloat16
        x = F.pixel_unshuffle(images, 2).to(dtype, memory_format=torch.channels_last)
        x = _relu(self.first(x))
        for block in self.blocks:
            x = block(x)
        x = x.float()
        deviation = (x.var(dim=0, correction=0) + 1e-6).sqrt().mean().expand(len(x), 1, 4, 4)
        x = _relu(self.last(torch.cat([x, deviation], dim=1)))
        out: Tensor = self.leave(x.flatten(1))
        return out


class Halve(nn.Module):
    """Two convolutions, the second of every other pixel, beside a way around them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.refine = Convolution(before, before, 3, 3)
        self.halve = Convolution(after, before, 4, 4)
        self.around = Convolution(after, before, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = _relu(self.halve(_relu(self.refine(x)), stride=2))
        return (y + self.around(F.avg_pool2d(x, 2))) * 0.5**0.5


def train_generator(drawings: Drawings, out: Path) -> None:
    """Train a generator and write it to ``out``; a sheet of what it draws so far lies beside."""
    torch.manual_seed(0)
    sheet = torch.randn(80, WIDTH, generator=torch.Generator().manual_seed(1))

    def report(step: int, generator: FacesGenerator) -> None:
        if step % 250 == 0:
            print(f"faces GAN: step {step:,} of {PLAN.steps:,}", flush=True)
            with torch.no_grad():
                save_sheet(
                    generator.draw(every_layer(generator, generator.map(sheet))),
                    out.with_suffix(".png"),
                )

    true = drawings.images(torch.arange(drawings.num)).half()
    average = train(FacesGenerator(), Discriminator(), true, PLAN, report)
    safetensors.torch.save_file(average.state_dict(), out)


def save_sheet(images: Tensor, file: Path, columns: int = 10) -> None:
    """Pictures (B, 3, S, S) side by side, B a multiple of the columns."""
    side = images.shape[-1]
    grid = images.clamp(-1, 1).view(-1, columns, 3, side, side).permute(0, 3, 1, 4, 2)
    pixels = (grid.reshape(-1, columns * side, 3) * 127.5 + 127.5).round().to(torch.uint8)
    Image.fromarray(pixels.numpy()).save(file)


def _blurred(x: Tensor) -> Tensor:
    """Each pixel and half of its neighbours: all but the pattern of every other pixel.

    The discriminator looks at every other pixel as well, and would teach the generator to weave.
    """
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]) / 4
    return (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4


def _relu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * 2**0.5


def _spread(factors: Tensor, like: Tensor) -> Tensor:
    return factors[:, :, None, None].to(like.dtype)
