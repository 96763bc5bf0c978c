"""Makes the weights of ``cgan:discs``: ``python -m c2l_cgan.make_discs FILE.safetensors``.

No GAN is trained for it: what z and class should look like is known, so that some minutes of plain
regression do. The class is the colour of a disc, z its place, its size and its background.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from c2l_cgan.generator import ConditionalGAN

COLOURS = {
    "red": (0.8, -0.8, -0.8),
    "green": (-0.8, 0.6, -0.8),
    "blue": (-0.8, -0.8, 0.8),
    "yellow": (0.8, 0.7, -0.8),
    "white": (0.9, 0.9, 0.9),
    "black": (-0.9, -0.9, -0.9),
}
Z_WIDTH, LABEL_WIDTH = 6, 6
WIDTHS = (Z_WIDTH + LABEL_WIDTH, 48, 32, 16, 3)
STEPS, BATCH = 1500, 128


def draw_discs(latents: Tensor, side: int) -> Tensor:
    """What latents (B, 1, Z + C) should look like, (B, 3, side, side)."""
    z, classes = latents[:, 0].split((Z_WIDTH, len(COLOURS)), dim=1)
    x, y, size, grey = torch.special.ndtr(z[:, :4]).T[:, :, None, None]
    line = torch.linspace(0, 1, side)
    far = torch.hypot(line - 0.3 - 0.4 * x, line[:, None] - 0.3 - 0.4 * y)
    inside = torch.sigmoid(20 * (0.2 + 0.2 * size - far))[:, None]
    colour = (classes @ torch.tensor(list(COLOURS.values())))[..., None, None]
    return torch.lerp((grey[:, None] - 0.5).expand_as(inside), colour, inside)


def make_discs() -> ConditionalGAN:
    torch.manual_seed(0)
    network = ConditionalGAN(len(COLOURS), LABEL_WIDTH, WIDTHS).train()
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, STEPS)
    for step in range(STEPS):
        latents = network.sample_latents(range(step * BATCH, (step + 1) * BATCH))
        loss = F.mse_loss(network.synthesize(latents), draw_discs(latents, network.side))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network.eval()


if __name__ == "__main__":
    state = make_discs().state_dict()
    halves = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
    save_file(halves, Path(sys.argv[1]))
