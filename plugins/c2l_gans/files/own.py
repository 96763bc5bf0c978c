"""The project's own file of a GAN: safetensors whose metadata describes the network.

Under ``c2l`` lies the JSON ``{"schema": "c2l-gans/1", "family": ..., "settings": {...}}``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.errors import BadWeights

SCHEMA = "c2l-gans/1"


def is_of_family(path: Path, family: str) -> bool:
    """Whether a file is one of this project's, with a network of this family."""
    if path.suffix != ".safetensors":
        return False
    with suppress(BadWeights):
        return _description(path).get("family") == family
    return False


def read(path: Path, *, values: bool) -> tuple[Any, dict[str, Tensor]]:
    """The settings of a network, as JSON, and its tensors; without ``values`` only their shapes.

    Raises:
        BadWeights: the file is damaged, or of another kind.
    """
    description = _description(path)
    if description.get("schema") != SCHEMA:
        raise BadWeights(
            f"{path} says nothing of its network",
            hint="Give the file that the network was trained into, or one of `c2l models convert`",
        )
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        tensors = {n: file.get_tensor(n) if values else _shape(file.get_slice(n)) for n in names}
    return description.get("settings"), tensors


def write(
    path: Path, family: str, settings: Any, tensors: Mapping[str, Tensor], *, half: bool
) -> None:
    """Write a network, atomically.

    Args:
        half: kernels of convolutions in float16, all else in float32.
    Raises:
        NotWritable: the folder cannot be written.
    """
    stored = {}
    for name, tensor in tensors.items():
        dtype = torch.float16 if half and tensor.ndim == 4 else torch.float32
        stored[name] = tensor.detach().to("cpu", dtype).contiguous()
    description = {"schema": SCHEMA, "family": family, "settings": settings}
    with c2l.draft_of(path) as draft:
        try:
            save_file(stored, draft, {"c2l": json.dumps(description, sort_keys=True)})
            draft.chmod(0o644)  # else nobody but its owner may read it
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))  # as safetensors reports the system's
            if number is None:
                raise OSError(str(error)) from error
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def _description(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {}).get("c2l", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise BadWeights(
            f"{path} is not a complete safetensors file: {error}", hint="Fetch or copy it again"
        ) from error
    return told if isinstance(told, dict) else {}


def _shape(stored: Any) -> Tensor:
    return torch.empty(stored.get_shape(), device="meta")
