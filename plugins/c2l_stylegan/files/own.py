"""The project's own file: safetensors with NVIDIA's tensor names.

Its metadata holds, under ``c2l``, the JSON ``{"schema": "c2l-stylegan/1", "family": ...,
"settings": {...}}``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.errors import BadWeights
from c2l_stylegan.files.descriptions import description_of
from c2l_stylegan.networks.settings import Settings

_HALVED = (".weight", ".const", ".noise_const")


def read_safetensors(path: Path, *, values: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file; without ``values``, tensors have only shapes.

    Raises:
        BadWeights: the file is damaged, or holds other tensors than floating-point ones.
    """
    try:
        with safe_open(path, framework="pt") as file:
            take = file.get_tensor if values else lambda name: _shape_only(file.get_slice(name))
            tensors = {name: take(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise BadWeights(
            f"{path} is not a complete safetensors file: {error}", hint="Fetch or copy it again"
        ) from error
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise BadWeights(f"tensor {name} in {path} is {tensor.dtype}, not floating-point")
    return metadata, tensors


def write(
    path: Path, settings: Settings, tensors: Mapping[str, Tensor], *, half: bool = False
) -> None:
    """Write the project's own file, atomically.

    Args:
        half: store convolutions and constants in float16. What is small or delicate (the mapping
            network, biases, filters, frequencies) stays in float32.
    Raises:
        NotWritable: the folder cannot be written.
    """
    stored = {}
    for name, tensor in tensors.items():
        halved = half and not name.startswith("mapping.") and name.endswith(_HALVED)
        dtype = torch.float16 if halved else torch.float32
        stored[name] = tensor.detach().to("cpu", dtype).contiguous()
    metadata = {"c2l": json.dumps(description_of(settings), sort_keys=True)}
    with c2l.draft_of(path) as draft:
        try:
            save_file(stored, draft, metadata)
            draft.chmod(0o644)  # else nobody but its owner may read it
        except SafetensorError as error:
            raise _as_os_error(error) from error


def _as_os_error(error: SafetensorError) -> OSError:
    """The error of the system that safetensors reports in words of its own."""
    match = re.search(r"os error (\d+)", str(error))
    return OSError(int(match[1]), os.strerror(int(match[1]))) if match else OSError(str(error))


def _shape_only(stored: Any) -> Tensor:
    return torch.empty(stored.get_shape(), device="meta")
