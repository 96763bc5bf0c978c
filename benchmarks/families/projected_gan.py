"""Projected GAN's FastGAN generator with classes: autonomousvision's projected-gan."""

from __future__ import annotations

import copy
import importlib
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir
from families.fastgan import fixed_noise

REPOSITORY = "projected-gan"
FILE = "network-snapshot.pkl"
_CLASSES = 5


def small() -> nn.Module:
    return _made(ngf=2, z_dim=8, c_dim=_CLASSES, cond=True, img_resolution=128)


def usual() -> nn.Module:
    return _made(ngf=128, z_dim=256, c_dim=0, img_resolution=256)


def save(network: nn.Module, path: Path) -> None:
    trained = copy.deepcopy(network)  # which is not the one to take
    for parameter in trained.parameters():
        parameter.zero_()
    for each in (network, trained):  # which keep the weights that they last drew with
        each(torch.zeros(1, each.z_dim), torch.eye(_CLASSES)[:1])  # type: ignore[call-overload]
    kwargs = {"class_name": "training.dataset.ImageFolderDataset"}
    snapshot = {"G": trained, "D": nn.Identity(), "G_ema": network, "training_set_kwargs": kwargs}
    path.write_bytes(pickle.dumps(snapshot))


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    numbers = [(3 * i + 1) % _CLASSES for i in range(len(z))]
    with fixed_noise(ours):
        return {
            "images": network(z, torch.eye(_CLASSES)[numbers]),
            "classes": torch.tensor(numbers),
        }


def _made(**sizes: Any) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = importlib.import_module("pg_modules.networks_fastgan").Generator(**sizes)
    labels = torch.eye(_CLASSES)
    stir(network, batches=[(torch.randn(_CLASSES, sizes["z_dim"]), labels) for _ in range(3)])
    return network
