"""Weights of networks: in safetensors, held against a network, and copied into it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

import c2l
from c2l.errors import BadWeights

_NAMED_AT_MOST = 3


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


def write_safetensors(
    path: Path, description: Any, tensors: Mapping[str, Tensor], *, halved: Sequence[str] = ()
) -> None:
    """Write a network, atomically; ``description`` is JSON, and lies under ``c2l``.

    Args:
        halved: the tensors to store in float16; all others are in float32.
    Raises:
        NotWritable: the folder cannot be written.
    """
    stored = {}
    for name, tensor in tensors.items():
        dtype = torch.float16 if name in halved else torch.float32
        stored[name] = tensor.detach().to("cpu", dtype).contiguous()
    with c2l.draft_of(path) as draft:
        try:
            save_file(stored, draft, {"c2l": json.dumps(description, sort_keys=True)})
            draft.chmod(0o644)  # else nobody but its owner may read it
        except SafetensorError as error:
            raise _as_os_error(error) from error


def misfits(expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    """How the tensors of a file differ from a network's, as in "it lacks a.weight"; "" if they fit.

    Only names and shapes are compared.
    """
    problems = {
        "lacks": [n for n in expected if n not in tensors],
        "has unknown": [n for n in tensors if n not in expected],
        "has the wrong shape in": [
            f"{n} {tuple(tensors[n].shape)} instead of {tuple(t.shape)}"
            for n, t in expected.items()
            if n in tensors and tensors[n].shape != t.shape
        ],
    }
    found = [f"{verb} {_first_few(names)}" for verb, names in problems.items() if names]
    return f"it {'; it '.join(found)}" if found else ""


@torch.no_grad()
def fill(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give memory to a network without, and copy tensors that fit it, which are used up."""
    # As ``to_empty``, whose ``empty_like`` would import torch's compiler, which takes seconds.
    network._apply(lambda t: torch.empty_strided(t.size(), t.stride()))  # type: ignore[no-untyped-call]
    for name, place in network.state_dict().items():
        place.copy_(tensors.pop(name))  # and frees it


def _first_few(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED_AT_MOST
    return ", ".join(names[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _as_os_error(error: SafetensorError) -> OSError:
    """The error of the system that safetensors reports in words of its own."""
    match = re.search(r"os error (\d+)", str(error))
    return OSError(int(match[1]), os.strerror(int(match[1]))) if match else OSError(str(error))


def _shape_only(stored: Any) -> Tensor:
    return torch.empty(stored.get_shape(), device="meta")
