"""The DCGAN of PyTorch's examples, whose classes stand in a script that trains."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from families import stir

REPOSITORY = "examples"
FILE = "netG_epoch_24.pth"


def small() -> nn.Module:
    return _made(nz=8, ngf=2)


def usual() -> nn.Module:
    return _made(nz=100, ngf=64)


def save(network: nn.Module, path: Path) -> None:
    torch.save(network.state_dict(), path)


def draw(network: nn.Module, ours: Any, z: Tensor) -> dict[str, Tensor]:
    return {"images": network(z[:, :, None, None])}


def _made(*, nz: int, ngf: int) -> nn.Module:
    import sys

    torch.manual_seed(0)
    script = next(Path(place) for place in sys.path if place.endswith(REPOSITORY)) / "dcgan/main.py"
    parsed = ast.parse(script.read_text())
    parsed.body = [
        node for node in parsed.body if isinstance(node, ast.ClassDef) and node.name == "Generator"
    ]
    scope: dict[str, Any] = {"nn": nn, "nz": nz, "ngf": ngf, "nc": 3}
    exec(compile(parsed, script, "exec"), scope)
    network: nn.Module = scope["Generator"](ngpu=1)
    stir(network, batches=[(torch.randn(8, nz, 1, 1),) for _ in range(40)])
    return network
