"""BigGAN as the authors' BigGAN-PyTorch trains it: noise in slots, a shared table of classes."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "BigGAN-PyTorch"
FILE = "G_ema_best0.pth"
NUM_CLASSES = 5


def small() -> nn.Module:
    return made("BigGAN", G_ch=2, dim_z=10, shared_dim=6, resolution=32, G_attn="16", hier=True)


def usual() -> nn.Module:
    return made(
        "BigGAN", G_ch=96, dim_z=120, shared_dim=128, resolution=128, hier=True, n_classes=1000
    )


def save(network: nn.Module, path: Path) -> None:
    torch.save(network.state_dict(), path)


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    classes = (torch.arange(len(z)) * 3 + 1) % network.n_classes
    return {"images": network(z, network.shared(classes)), "classes": classes}


def made(module: str, *, n_classes: int = NUM_CLASSES, **settings: Any) -> nn.Module:
    """A generator of one of the two modules, with statistics of its normalisations."""
    torch.manual_seed(0)
    settings = {"no_optim": True, "G_shared": True, "n_classes": n_classes, **settings}
    network: Any = importlib.import_module(module).Generator(**settings)
    classes = torch.arange(8) % n_classes
    batches = [(torch.randn(8, network.dim_z), network.shared(classes)) for _ in range(3)]
    stir(network, batches=batches)
    return network  # type: ignore[no-any-return]
