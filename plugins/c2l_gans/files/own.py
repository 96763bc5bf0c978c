"""The project's own file of a GAN: safetensors whose metadata describes the network.

Under ``c2l`` lies the JSON ``{"schema": "c2l-gans/1", "family": ..., "settings": {...}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.errors import BadWeights
from c2l_stylegan.shared import read_safetensors, write_safetensors

SCHEMA = "c2l-gans/1"


def is_of_family(path: Path, family: str) -> bool:
    """Whether a file is one of this project's, with a network of this family."""
    if path.suffix != ".safetensors":
        return False
    with suppress(SafetensorError, OSError), safe_open(path, framework="pt") as file:
        return _description(file.metadata()).get("family") == family
    return False


def read(path: Path, *, values: bool) -> tuple[Any, dict[str, Tensor]]:
    """The settings of a network, as JSON, and its tensors; without ``values`` only their shapes.

    Raises:
        BadWeights: the file is damaged, or of another kind.
    """
    metadata, tensors = read_safetensors(path, values=values)
    description = _description(metadata)
    if description.get("schema") != SCHEMA:
        raise BadWeights(
            f"{path} says nothing of its network",
            hint="Give the file that the network was trained into, or one of `c2l models convert`",
        )
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
    kernels = [name for name, tensor in tensors.items() if tensor.ndim == 4]
    description = {"schema": SCHEMA, "family": family, "settings": settings}
    write_safetensors(path, description, tensors, halved=kernels if half else ())


def _description(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    with suppress(ValueError):
        told = json.loads((metadata or {}).get("c2l", "{}"))
        return told if isinstance(told, dict) else {}
    return {}
