"""A StyleGAN2 that is told one of ten shapes, distilled from drawings.

No GAN is trained for it: which picture belongs to z and class is known, so plain regression will do,
and what is measured later is not how well a GAN was trained.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings
from worlds.shapes import SHAPES, SIZE, Z_WIDTH, draw

STEPS, BATCH, RATE = 2000, 32, 4e-3
SETTINGS = StyleGAN2Settings(
    z_dim=Z_WIDTH,
    c_dim=len(SHAPES),
    w_dim=64,
    img_resolution=SIZE,
    img_channels=3,
    mapping=MappingSettings(num_layers=4, lr_multiplier=0.1),
    channel_base=768,
    channel_max=48,
    use_noise=False,
)


class ZeroLabels(StyleGAN):
    """The same network, given the label of zeros, which its training never showed."""

    def __init__(self, settings: StyleGAN2Settings) -> None:
        super().__init__(settings)
        self.classes = None

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.map(self._noise(seeds))[:, :1]


def train_generator(out: Path) -> None:
    """Distil the drawings and write the network to ``out``."""
    torch.manual_seed(0)
    network = StyleGAN.initialised(SETTINGS, seed=0)
    optimiser = torch.optim.Adam(network.parameters(), RATE, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    started = time.monotonic()
    average = network.mapping.w_avg
    assert average is not None
    for step in range(1, STEPS + 1):
        z, classes = torch.randn(BATCH, Z_WIDTH), torch.randint(len(SHAPES), (BATCH,))
        w = network.mapping(z, torch.nn.functional.one_hot(classes, len(SHAPES)).float())
        drawn = network.synthesize(w[:, None])
        loss = (drawn - draw(z, classes)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            average.lerp_(w.mean(dim=0), 0.01)
        if step % 200 == 0:
            spent = time.monotonic() - started
            print(f"shapes: step {step:,} of {STEPS:,}, {loss.item():.4f}, {spent:.0f} s", flush=True)
    network.eval().save(out)
    out.with_name(f"{out.stem}.classes.txt").write_text("\n".join(SHAPES) + "\n")
