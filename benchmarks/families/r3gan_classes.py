"""R3GAN with classes."""

from __future__ import annotations

from torch import nn

from families.r3gan import FILE, REPOSITORY, draw, made, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]


def small() -> nn.Module:
    return made(widths=[8, 8], blocks=[1, 1], groups=[2, 2], z_dim=6, num_classes=5)


def usual() -> nn.Module:
    return made(  # of CIFAR-10
        widths=[768] * 4, blocks=[2] * 4, groups=[96] * 4, z_dim=64, num_classes=10
    )
