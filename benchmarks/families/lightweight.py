"""lightweight-gan: lucidrains' code, which wants a GPU to be imported and none to draw."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "lightweight-gan"
FILE = "model_1.pt"


def small() -> nn.Module:
    return _made(
        image_size=128, latent_dim=16, fmap_max=12, attn_res_layers=[8], freq_chan_attn=False
    )


def usual() -> nn.Module:
    return _made(image_size=256, attn_res_layers=[32])


def save(network: nn.Module, path: Path) -> None:
    averaged = {f"GE.{name}": tensor for name, tensor in network.state_dict().items()}
    trained = {f"G.{name}": torch.zeros_like(t) for name, t in network.state_dict().items()}
    torch.save({"GAN": {**trained, **averaged}, "version": "1.2.1", "G_scaler": {}}, path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    maps = iter([stage.noise_const for stage in ours.network.stages])

    def drawn(batch: int, *_: int, device: torch.device) -> Tensor:
        return next(maps).expand(batch, 1, -1, -1)

    with mock.patch("torch.randn", drawn):
        return {"images": network(z) * 2 - 1}


def _made(**sizes: Any) -> nn.Module:
    with mock.patch("torch.cuda.is_available", lambda: True):
        module = importlib.import_module("lightweight_gan.lightweight_gan")
    torch.manual_seed(0)
    network: nn.Module = module.Generator(**sizes)
    stir(network, batches=[(torch.randn(4, network.initial_conv[0].in_channels),)] * 3)  # type: ignore[index]
    return network
