"""A small style-modulated GAN (after Karras et al. 2019, arXiv 1812.04948) trained on scans.

It is trained adversarially and sees no labels: its w is whatever it became.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import LatentSpace, Source, draw_normal
from worlds.digits_scans import NUM_HELD_OUT, SIZE, Scans

Z_WIDTH = 64
CHANNELS = (96, 64, 32, 16)
"""At 4, 8, 16 and 32 pixels."""
STEPS = 2500
BATCH = 32
EMA = 0.997
R1, R1_EVERY = 1.0, 8


class Layer(nn.Module):
    """A convolution whose channels get mean and deviation from w."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.style = nn.Linear(Z_WIDTH, 2 * outputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        shift, scale = self.style(w)[:, :, None, None].chunk(2, dim=1)
        return F.leaky_relu(F.instance_norm(self.conv(x)) * (1 + scale) + shift, 0.2)


class DigitsGenerator(c2l.Generator):
    """Digits of 32 px from w."""

    reference = "worlds:digits"
    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        steps = [nn.Linear(Z_WIDTH, Z_WIDTH) for _ in range(4)]
        self.mapping = nn.Sequential(*(nn.Sequential(s, nn.LeakyReLU(0.2)) for s in steps))
        self.start = nn.Parameter(torch.randn(1, CHANNELS[0], 4, 4))
        self.layers = nn.ModuleList([Layer(CHANNELS[0], CHANNELS[0])])
        for inputs, outputs in itertools.pairwise(CHANNELS):
            self.layers.append(Layer(inputs, outputs))
        self.leave = nn.Conv2d(CHANNELS[-1], 1, 1)
        self.register_buffer("mean", torch.zeros(1, Z_WIDTH))
        self.register_buffer("std", torch.ones(1, Z_WIDTH))

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
        return LatentSpace(1, Z_WIDTH, (len(self.layers),), self.mean, self.std)

    @property
    def image_size(self) -> tuple[int, int]:
        return SIZE, SIZE

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.map(draw_normal(seeds, Z_WIDTH).to(self.device))[:, None]

    def map(self, z: Tensor) -> Tensor:
        """Normal numbers (B, Z_WIDTH) to w (B, Z_WIDTH)."""
        out: Tensor = self.mapping(F.normalize(z, dim=1) * Z_WIDTH**0.5)
        return out

    def ink(self, codes: Tensor) -> Tensor:
        """Codes (B, layers, Z_WIDTH) to pictures (B, 1, SIZE, SIZE) in [-1, 1], ink is 1."""
        x = self.start.expand(len(codes), -1, -1, -1)
        for index, layer in enumerate(self.layers):
            if index:
                x = F.interpolate(x, scale_factor=2)
            x = layer(x, codes[:, index])
        return torch.tanh(self.leave(x))

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        space = self.latent_space
        codes = space.expand(latents.to(self.device), repeats)
        return self.ink(torch.lerp(space.mean, codes, truncation)).expand(-1, 3, -1, -1)


class Discriminator(nn.Module):
    """Whether a digit is a scan; it also sees how much the batch varies."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, *reversed(CHANNELS))
        self.body = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.leave = nn.Sequential(
            nn.Conv2d(CHANNELS[0] + 1, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        for index, conv in enumerate(self.body):
            x = F.leaky_relu(conv(x), 0.2)
            if index < len(self.body) - 1:
                x = F.avg_pool2d(x, 2)
        # Not `std`, which has no gradient where a channel does not vary.
        deviation = (x.var(dim=0, correction=0) + 1e-6).sqrt().mean().expand(len(x), 1, 4, 4)
        out: Tensor = self.leave(torch.cat([x, deviation], dim=1))
        return out


def train_generator(scans: Scans, out: Path, steps: int = STEPS) -> None:
    """Train a generator and write it to ``out``."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    generator, judge = DigitsGenerator(), Discriminator()
    average = copy.deepcopy(generator)
    theirs = torch.optim.Adam(judge.parameters(), 2e-3, betas=(0.0, 0.99))
    ours = torch.optim.Adam(generator.parameters(), 2e-3, betas=(0.0, 0.99))
    images = 2 * scans.images[:-NUM_HELD_OUT] - 1
    for step in range(steps):
        true = images[torch.randint(len(images), (BATCH,), generator=rng)]
        penalised = step % R1_EVERY == 0
        true.requires_grad_(penalised)
        seen = judge(true)
        with torch.no_grad():
            false = _fakes(generator, rng)
        loss = F.softplus(-seen).mean() + F.softplus(judge(false)).mean()
        if penalised:
            (gradient,) = torch.autograd.grad(seen.sum(), true, create_graph=True)
            loss = loss + R1 * R1_EVERY / 2 * gradient.square().sum((1, 2, 3)).mean()
        _descend(theirs, loss)
        loss = F.softplus(-judge(_fakes(generator, rng))).mean()
        _descend(ours, loss)
        with torch.no_grad():
            keep = min(EMA, (1 + step) / (10 + step))
            for mine, its in zip(average.parameters(), generator.parameters(), strict=True):
                mine.lerp_(its, 1 - keep)
        if step % 100 == 99:
            print(f"digits GAN: step {step + 1:,} of {steps:,}", flush=True)
    with torch.no_grad():
        codes = average.map(torch.randn(10_000, Z_WIDTH, generator=rng))
        average.mean.copy_(codes.mean(0, keepdim=True))
        average.std.copy_(codes.std(0, keepdim=True))
    safetensors.torch.save_file(average.state_dict(), out)


def _fakes(generator: DigitsGenerator, rng: torch.Generator) -> Tensor:
    codes = generator.map(torch.randn(BATCH, Z_WIDTH, generator=rng))
    return generator.ink(codes[:, None].expand(-1, len(generator.layers), -1))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
