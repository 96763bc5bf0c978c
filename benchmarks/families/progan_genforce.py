"""ProGAN as genforce converts it from NVIDIA's TensorFlow code, which this is the PyTorch of."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "genforce"
FILE = "pggan_celebahq1024.pth"


def small() -> nn.Module:
    return _made(resolution=32, z_space_dim=10, fmaps_base=128, fmaps_max=12)


def usual() -> nn.Module:
    return _made(resolution=256)


def save(network: nn.Module, path: Path) -> None:
    state = network.state_dict()
    trained = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    torch.save({"generator": trained, "discriminator": {}, "generator_smooth": state}, path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    return {"images": network(z)["image"]}


def _made(**sizes: Any) -> nn.Module:
    torch.manual_seed(0)
    network: Any = importlib.import_module("models.pggan_generator").PGGANGenerator(**sizes)
    stir(network)
    network.lod.zero_()
    made: nn.Module = network
    return made
