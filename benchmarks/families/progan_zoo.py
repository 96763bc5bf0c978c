"""The Progressive GAN of facebookresearch's pytorch_GAN_zoo, there called PGAN."""

from __future__ import annotations

import importlib
from typing import Any
from unittest import mock

import torch
from torch import nn

from families.dcgan_zoo import REPOSITORY, averaged, draw, save

__all__ = ["FILE", "REPOSITORY", "draw", "save", "small", "usual"]

FILE = "celebaHQ_s6_i80000.pth"


def small() -> nn.Module:
    return _made([8, 6, 4], z_dim=8)


def usual() -> nn.Module:
    return _made([512, 512, 512, 512, 256, 128, 64], z_dim=512)


def _made(channels: list[int], *, z_dim: int) -> nn.Module:
    torch.manual_seed(0)
    module: Any = importlib.import_module("models.progressive_gan")
    # Its optimisers have settings that PyTorch no longer takes.
    for name in ("getOptimizerD", "getOptimizerG"):
        setattr(module.ProgressiveGAN, name, lambda self: mock.MagicMock())
    whole = module.ProgressiveGAN(
        dimLatentVector=z_dim, depthScale0=channels[0], useGPU=False, storeAVG=True
    )
    for width in channels[1:]:
        whole.addScale(width)
    whole.buildAvG()
    return averaged(whole, batches=[])
