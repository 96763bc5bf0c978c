"""A small style-modulated GAN (after Karras et al. 2019, arXiv 1812.04948) trained on scans.

It is trained adversarially and sees no labels: its w is whatever it became.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l import LatentSpace, Source, draw_normal
from worlds.adversarial import MIXING, Plan, train
from worlds.digits_scans import NUM_HELD_OUT, SIZE, Scans

Z_WIDTH = 64
CHANNELS = (96, 64, 32, 16)
"""At 4, 8, 16 and 32 pixels."""
PLAN = Plan(steps=2_500, batch=32, rate=2e-3, ema=0.997, r1=1.0, r1_every=8)
MIXED = replace(PLAN, steps=1_250, mixing=MIXING)


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
    z_width = Z_WIDTH
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

    def draw(self, codes: Tensor) -> Tensor:
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
        return self.draw(torch.lerp(space.mean, codes, truncation)).expand(-1, 3, -1, -1)


class Discriminator(nn.Module):
    """Whether a digit is a scan; it also sees how much the batch varies.

    Args:
        num_verdicts: how many logits there are.
    """

    def __init__(self, num_verdicts: int = 1) -> None:
        super().__init__()
        widths = (1, *reversed(CHANNELS))
        self.body = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.leave = nn.Sequential(
            nn.Conv2d(CHANNELS[0] + 1, 64, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, num_verdicts),
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


def train_generator(scans: Scans, out: Path) -> None:
    """Train a generator and write it to ``out``."""
    torch.manual_seed(0)
    _train(DigitsGenerator(), scans, PLAN, out)


def train_mixed(scans: Scans, start: Path, out: Path) -> None:
    """Train a generator on, with style mixing, and write it to ``out``."""
    torch.manual_seed(0)
    _train(DigitsGenerator.read(start).requires_grad_(True), scans, MIXED, out)


def _train(generator: DigitsGenerator, scans: Scans, plan: Plan, out: Path) -> None:
    def report(step: int, _: DigitsGenerator) -> None:
        if step % 250 == 0:
            print(f"digits GAN: step {step:,} of {plan.steps:,}", flush=True)

    true = 2 * scans.images[:-NUM_HELD_OUT] - 1
    judge = Discriminator(len(generator.layers) if plan.mixing else 1)
    average = train(generator, judge, true, plan, report)
    safetensors.torch.save_file(average.state_dict(), out)
