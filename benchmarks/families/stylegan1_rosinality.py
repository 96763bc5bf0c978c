"""StyleGAN1: rosinality's style-based-gan-pytorch, whose networks hold layers beyond their size."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "style-based-gan-pytorch"
FILE = "train_step-6.model"
_STEP = 5


def small() -> nn.Module:
    return _made(small=True)


def usual() -> nn.Module:
    return _made(small=False)


def save(network: nn.Module, path: Path) -> None:
    state = network.state_dict()
    trained = {f"module.{name}": torch.zeros_like(tensor) for name, tensor in state.items()}
    torch.save({"generator": trained, "g_running": state, "g_optimizer": {}}, path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    noise = [layer.noise_const.expand(len(z), 1, -1, -1) for layer in ours.network.layers[::2]]
    latents = network.style(z)  # type: ignore[operator]
    images = network(z, noise=noise, step=len(noise) - 1, alpha=1)
    return {"images": images, "latents": latents[:, None]}


def _made(*, small: bool) -> nn.Module:
    torch.manual_seed(0)
    module: Any = importlib.import_module("model")
    network: Any = module.StyledGenerator(16 if small else 512, n_mlp=2 if small else 8)
    if small:  # the layers of the code, in fewer channels than it has a way to ask for
        widths = [12, 12, 10, 8, 6, 4, 4, 2, 2]
        network.generator.progression = nn.ModuleList(
            module.StyledConvBlock(
                widths[max(i - 1, 0)],
                width,
                style_dim=16,
                initial=i == 0,
                upsample=i > 0,
                fused=i >= 5,
            )
            for i, width in enumerate(widths)
        )
        network.generator.to_rgb = nn.ModuleList(module.EqualConv2d(n, 3, 1) for n in widths)
    stir(network)
    for parameter in network.generator.to_rgb.parameters():
        parameter *= 0.05  # so that pictures are about as bright as trained ones
    for parts in (network.generator.progression, network.generator.to_rgb):
        for name, parameter in parts[_STEP + 1 :].named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    made: nn.Module = network
    return made
