"""StyleGAN1 as genforce converts it from NVIDIA's TensorFlow code, which this is the PyTorch of."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "genforce"
FILE = "stylegan_ffhq1024.pth"


def small() -> nn.Module:
    # To 128 px, where both kernels that double the size take part.
    sizes = {"resolution": 128, "z_space_dim": 10, "w_space_dim": 12, "mapping_fmaps": 14}
    return _made(**sizes, mapping_layers=3, fmaps_base=256, fmaps_max=12)


def usual() -> nn.Module:
    return _made(resolution=256)


def save(network: nn.Module, path: Path) -> None:
    state = network.state_dict()
    trained = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    torch.save({"generator": trained, "discriminator": {}, "generator_smooth": state}, path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    drawn = network(z)
    return {"images": drawn["image"], "latents": drawn["w"][:, None]}


def _made(**sizes: Any) -> nn.Module:
    torch.manual_seed(0)
    network: Any = importlib.import_module("models.stylegan_generator").StyleGANGenerator(**sizes)
    stir(network)
    network.synthesis.lod.zero_()
    for name, parameter in network.synthesis.named_parameters():
        if name.startswith("output"):
            parameter *= 0.05  # so that pictures are about as bright as trained ones
    with torch.no_grad():
        mean = network.mapping(torch.randn(4096, network.z_space_dim))["w"].mean(dim=0)
        network.truncation.w_avg.copy_(mean)
    made: nn.Module = network
    return made
