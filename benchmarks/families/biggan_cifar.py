"""BigGAN-PyTorch as its script for CIFAR-10 trains it: each normalisation has its own table."""

from __future__ import annotations

from torch import nn

from families.biggan import REPOSITORY, draw, made, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]

FILE = "G.pth"


def small() -> nn.Module:
    return made("BigGAN", G_ch=2, dim_z=6, resolution=32, G_attn="0", G_shared=False, mybn=True)


def usual() -> nn.Module:
    return made("BigGAN", G_ch=64, dim_z=128, resolution=32, G_attn="0", G_shared=False)
