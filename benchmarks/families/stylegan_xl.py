"""StyleGAN-XL with classes, a stem and a stage of super-resolution: autonomousvision's code.

The class embeddings that it reads from a file are drawn here instead.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "stylegan-xl"
FILE = "best_model.pkl"
_CLASSES = 5


def small() -> nn.Module:
    sizes = {"z_dim": 8, "w_dim": 12, "channel_base": 256, "channel_max": 8, "num_layers": 4}
    return _made(2, 4, embedded=(_CLASSES, 6), margin_size=2, **sizes)


def usual() -> nn.Module:
    sizes = {"z_dim": 64, "w_dim": 512, "channel_base": 65536, "channel_max": 512}
    return _made(4, 7, embedded=(1000, 320), num_layers=10, margin_size=10, **sizes)


def save(network: nn.Module, path: Path) -> None:
    _dump(network, path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    numbers = [(3 * i + 1) % _CLASSES for i in range(len(z))]
    mapping: Any = network.mapping
    synthesis: Any = network.synthesis
    latents = mapping(z, torch.eye(_CLASSES)[numbers])
    drawn = {"images": synthesis(latents), "latents": latents[:, :1]}
    return {**drawn, "classes": torch.tensor(numbers)}


def _made(up: int, layers: int, *, embedded: tuple[int, int], **sizes: Any) -> nn.Module:
    torch.manual_seed(0)
    module: Any = importlib.import_module("training.networks_stylegan3_resetting")
    kwargs = {"c_dim": _CLASSES, "img_resolution": 16, "img_channels": 3, **sizes}
    file = mock.Mock(return_value=mock.Mock(load=lambda: {"embed": nn.Embedding(*embedded)}))
    with (
        mock.patch.object(module, "open", mock.mock_open(), create=True),
        mock.patch.object(module.pickle, "Unpickler", file),
    ):
        stem = module.Generator(**kwargs, conv_kernel=3, use_radial_filters=False)
    with tempfile.NamedTemporaryFile(suffix=".pkl") as place:
        _dump(stem, Path(place.name))
        network: nn.Module = module.SuperresGenerator(
            img_resolution=16 * up, path_stem=place.name, head_layers=layers, up_factor=up
        )
    stir(network)
    return network


def _dump(network: nn.Module, path: Path) -> None:
    dill: Any = importlib.import_module("dill")
    whole = {"G": network, "D": None, "G_ema": network, "augment_pipe": None}
    with path.open("wb") as file:
        dill.dump({**whole, "training_set_kwargs": {}}, file)
