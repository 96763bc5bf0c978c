"""The StyleGAN2 of lucidrains' stylegan2-pytorch, with attention at two resolutions."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "stylegan2-pytorch"
FILE = "model_7.pt"


def small() -> nn.Module:
    return made(image_size=32, latent_dim=6, network_capacity=2, fmap_max=8, attn_layers=[1, 3])


def usual() -> nn.Module:
    return made(image_size=256, latent_dim=512, network_capacity=16)


def save(network: Any, path: Path) -> None:
    state = network.state_dict()
    for name, tensor in network.state_dict().items():
        trained = name.replace("SE.", "S.").replace("GE.", "G.")  # which is not the one to take
        state[trained] = tensor * 0
    torch.save({"GAN": state, "version": "1.9.0"}, path)


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    # Its code has rows and columns of noise the other way round.
    noise = ours.network.noise_const.T[None, :, :, None].expand(len(z), -1, -1, -1)
    styles = network.SE(z)[:, None].expand(-1, network.GE.num_layers, -1)
    return {"images": network.GE(styles, noise)[:, :3] * 2 - 1}


def made(*, image_size: int, latent_dim: int, **settings: Any) -> nn.Module:
    """Its mapping and its generator, under the names that checkpoints have for them."""
    torch.manual_seed(0)
    module = _module()
    network = nn.Module()
    network.SE = module.StyleVectorizer(latent_dim, 3 if latent_dim < 10 else 8)
    network.GE = module.Generator(image_size, latent_dim, **settings)
    stir(network)
    return network


def _module() -> Any:
    # What only its training needs is left out.
    for name in ("aim", "fire", "vector_quantize_pytorch"):
        sys.modules.setdefault(name, mock.MagicMock())
    with mock.patch("torch.cuda.is_available", lambda: True):
        return importlib.import_module("stylegan2_pytorch.stylegan2_pytorch")
