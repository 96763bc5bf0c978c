"""Makes the weights of ``dcgan:blobs``: ``python -m c2l_dcgan.make_blobs FILE.safetensors``.

The file ships with the package instead of being made when it is loaded: sums may differ in their
last bit from machine to machine, and a prior is bound to the exact weights by their sha256.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

import c2l
from c2l_dcgan.generator import DCGAN

WIDTHS = (16, 32, 16, 8, 3)
SEED = 3


@torch.no_grad()
def make_blobs() -> DCGAN:
    """An untrained DCGAN, 32 px, with images of soft blobs in many colours.

    Freshly initialised weights would draw grey speckle. Here kernels are smooth, colours are
    strong, and BatchNorm knows its statistics as if it had been trained.
    """
    rng = torch.Generator().manual_seed(SEED)
    network = DCGAN(WIDTHS)
    first, *doubling = [m for m in network.main if isinstance(m, nn.ConvTranspose2d)]
    # A part that is the same everywhere gives each image a colour of its own.
    everywhere = torch.randn(*first.weight.shape[:2], 1, 1, generator=rng)
    first.weight.copy_(torch.randn(first.weight.shape, generator=rng) + everywhere)
    bump = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4  # doubles the size by linear interpolation
    for layer in doubling:
        mixing = torch.randn(*layer.weight.shape[:2], 1, 1, generator=rng)
        # Without its mean over the channels that come in, no colour outweighs the others.
        mixing -= mixing.mean(dim=0)
        layer.weight.copy_(mixing * torch.outer(bump, bump))
    doubling[-1].weight.mul_(0.5)  # tanh then seldom saturates
    for norm in [m for m in network.main if isinstance(m, nn.BatchNorm2d)]:
        norm.bias.fill_(0.7)  # fewer places where ReLU leaves nothing but grey
        norm.momentum = None  # statistics are those of all that was seen
    network.train().synthesize(c2l.draw_normal(range(1024), WIDTHS[0])[:, None])
    return network.eval()


if __name__ == "__main__":
    save_file(make_blobs().state_dict(), Path(sys.argv[1]))
