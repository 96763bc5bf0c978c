"""The DCGAN of facebookresearch's pytorch_GAN_zoo."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "pytorch_GAN_zoo"
FILE = "DCGAN_fashionGen.pth"


def small() -> nn.Module:
    return _made(dimLatentVector=8, dimG=2, dimD=2, depth=3)


def usual() -> nn.Module:
    return _made(dimLatentVector=100, dimG=64, dimD=2, depth=4)


def save(network: Any, path: Path) -> None:
    network.whole.save(path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    return {"images": network(z)}


def _made(**settings: Any) -> nn.Module:
    torch.manual_seed(0)
    settings |= {"lossMode": "DCGAN", "useGPU": False, "storeAVG": True}
    whole = importlib.import_module("models.DCGAN").DCGAN(**settings)
    return averaged(whole, batches=[(torch.randn(8, settings["dimLatentVector"]),)] * 40)


def averaged(whole: Any, batches: list[Any]) -> nn.Module:
    """The averaged generator of one of its GANs, which it belongs to."""
    network: Any = whole.getOriginalAvgG()
    for parameter in whole.netG.parameters():  # which is not the one to take
        parameter.data.zero_()
    stir(network, batches=batches)
    object.__setattr__(network, "whole", whole)  # not as one of its modules
    # Saved as on a GPU, where it is wrapped.
    whole.avgG = nn.DataParallel(network)
    return network  # type: ignore[no-any-return]
