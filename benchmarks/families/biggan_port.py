"""DeepMind's BigGAN-deep in huggingface's port, pytorch-pretrained-BigGAN."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from families import stir

REPOSITORY = "pytorch-pretrained-BigGAN"
FILE = "pytorch_model.bin"
TRUNCATED = 0.5


def small() -> nn.Module:
    blocks = [(16, 8), (8, 4), (4, 2), (2, 1)]
    layers = [layer for a, b in blocks for layer in ((False, a, a), (True, a, b))]
    return _made(
        z_dim=6,
        class_embed_dim=6,
        channel_width=4,
        num_classes=5,
        layers=layers,
        attention_layer_position=5,
        n_stats=11,
    )


def usual() -> nn.Module:
    return _made()


def save(network: nn.Module, path: Path) -> None:
    torch.save(network.state_dict(), path)


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    classes = (torch.arange(len(z)) * 3 + 1) % network.config.num_classes
    labels = F.one_hot(classes, network.config.num_classes).float()
    truncated = network(z[:1] * TRUNCATED, labels[:1], TRUNCATED)
    return {
        "images": network(z, labels, 1.0),
        "classes": classes,
        "truncated": truncated[..., ::5, ::5],
    }


def _made(**settings: Any) -> nn.Module:
    torch.manual_seed(0)
    module = importlib.import_module("pytorch_pretrained_biggan.model")
    config = importlib.import_module("pytorch_pretrained_biggan.config").BigGANConfig(**settings)
    network: nn.Module = module.BigGAN(config)
    labels = torch.eye(config.num_classes)[:3]
    stir(network, batches=[(torch.randn(3, config.z_dim), labels, 1.0) for _ in range(4)])
    for name, buffer in network.named_buffers():
        if name.endswith("running_vars"):
            buffer.copy_(buffer.abs() + 0.3)
    return network
