"""The same, with opacity, and first features that styles make."""

from __future__ import annotations

from torch import nn

from families.lucidrains import FILE, REPOSITORY, draw, made, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]


def small() -> nn.Module:
    return made(image_size=16, latent_dim=6, network_capacity=2, transparent=True, no_const=True)


def usual() -> nn.Module:
    return made(image_size=256, latent_dim=512, transparent=True, no_const=True)
