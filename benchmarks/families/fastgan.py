"""FastGAN: the code of odegeasslbc's FastGAN-pytorch, of which others keep copies."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

import c2l
from families import stir

REPOSITORY = "FastGAN-pytorch"
FILE = "all_50000.pth"


def small() -> nn.Module:
    return _made(ngf=2, nz=8, im_size=256)


def usual() -> nn.Module:
    return _made(ngf=64, nz=256, im_size=256)


def save(network: nn.Module, path: Path) -> None:
    # As the training's ``all_N.pth``: the average is a list, in the order of the parameters.
    averaged = [parameter.detach().clone() for parameter in network.parameters()]
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name, _ in network.named_parameters():
        state[name] *= 0.5
    torch.save({"g": state, "d": {}, "g_ema": averaged, "opt_g": {}, "opt_d": {}}, path)


def draw(network: nn.Module, ours: c2l.Generator, z: Tensor) -> dict[str, Tensor]:
    with fixed_noise(ours):
        return {"images": network(z)[0]}


@contextmanager
def fixed_noise(ours: Any) -> Iterator[None]:
    """The official code draws fresh noise; within, it is given the maps of our network."""
    layers = [layer for block in ours.network.blocks.values() for layer in block]
    maps = iter([layer.noise_const for layer in layers if layer.has_noise])

    def drawn(batch: int, *_: int) -> Tensor:
        return next(maps).expand(batch, 1, -1, -1)

    with mock.patch("torch.randn", drawn):
        yield


def _made(**sizes: int) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = importlib.import_module("models").Generator(**sizes)
    stir(network, batches=[(torch.randn(4, sizes["nz"]),) for _ in range(3)])
    return network
