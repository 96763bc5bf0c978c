"""R3GAN, of brownvc's repository, without classes."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "R3GAN"
FILE = "network-snapshot-final.pkl"


def small() -> nn.Module:
    return made(widths=[12, 8, 8, 4], blocks=[2, 1, 1, 2], groups=[3, 2, 2, 1], z_dim=8)


def usual() -> nn.Module:
    widths = [*[768] * 4, 384, 192, 96]  # of FFHQ at 256 px
    return made(widths=widths, blocks=[2] * 7, groups=[*[96] * 4, 48, 24, 12], z_dim=64)


def save(network: Any, path: Path) -> None:
    trained = copy.deepcopy(network)  # which is not the one to take
    for parameter in trained.parameters():
        parameter.zero_()
    averaged = copy.deepcopy(network)
    for each in (trained, averaged):  # as published: the last stages are for bfloat16
        each.Model.MainLayers[-1].DataType = torch.bfloat16
    snapshot = {"G": trained, "D": nn.Identity(), "G_ema": averaged, "cur_nimg": 1}
    path.write_bytes(pickle.dumps({**snapshot, "training_set_kwargs": {"xflip": True}}))


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    if not network.c_dim:
        return {"images": network(z, None)}
    classes = (torch.arange(len(z)) * 3 + 1) % network.c_dim
    return {"images": network(z, torch.eye(network.c_dim)[classes]), "classes": classes}


def made(
    *, widths: list[int], blocks: list[int], groups: list[int], z_dim: int, num_classes: int = 0
) -> nn.Module:
    """A generator; its last stages would be computed in bfloat16, and are in float32 here."""
    torch.manual_seed(0)
    network: nn.Module = _module().Generator(
        NoiseDimension=z_dim,
        WidthPerStage=widths,
        BlocksPerStage=blocks,
        CardinalityPerStage=groups,
        ExpansionFactor=2,
        FP16Stages=[],
        c_dim=num_classes,
        img_resolution=4 << (len(widths) - 1),
        **({"ConditionEmbeddingDimension": z_dim} if num_classes else {}),
    )
    stir(network)
    return network


def _module() -> Any:
    # It asks for torch's version with what setuptools no longer has.
    parse = importlib.import_module("packaging.version").parse
    sys.modules.setdefault("pkg_resources", SimpleNamespace(parse_version=parse))  # type: ignore[arg-type]
    return importlib.import_module("training.networks")
