"""BigGAN-deep of BigGAN-PyTorch."""

from __future__ import annotations

from torch import nn

from families.biggan import REPOSITORY, draw, made, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]

FILE = "G_ema.pth"


def small() -> nn.Module:
    return made(
        "BigGANdeep", G_ch=2, dim_z=6, shared_dim=4, resolution=32, G_attn="8_16", hier=True
    )


def usual() -> nn.Module:
    return made("BigGANdeep", G_ch=128, dim_z=128, resolution=128, hier=True, n_classes=1000)
