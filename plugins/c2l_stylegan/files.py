"""Reading and writing the files of StyleGAN networks.

The project's own file is a safetensors file with NVIDIA's tensor names, whose metadata holds
under ``c2l`` the JSON ``{"schema": "c2l-stylegan/1", "family": ..., "settings": {...}}``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from c2l.errors import BadWeights
from c2l.files import draft_of
from c2l.reading import LEGACY, refuse_stand_in
from c2l_stylegan import nvidia_pickles, rosinality
from c2l_stylegan.settings import (
    FAMILIES,
    Settings,
    StyleGAN2Settings,
    StyleGAN3Settings,
    family_of,
)

SCHEMA = "c2l-stylegan/1"
_HALVED = (".weight", ".const", ".noise_const")
_LARGEST_JSON = 4 << 20
_HEADER = 1 << 18
# Also those of the oldest protocols, which no network has: so that the error says what they call.
_FIRST_OF_PICKLES = b"\x80(c]}"


@dataclass(frozen=True)
class Stored:
    """What a file holds: the settings, and the tensors or (a JSON alone) a seed for fresh ones."""

    settings: Settings
    tensors: Mapping[str, Tensor] | None
    seed: int = 0


def read(path: Path, *, values: bool = True) -> Stored:
    """Read a network.

    Args:
        path: a ``.safetensors`` file that describes itself, one with a JSON of NVIDIA's init
            arguments beside it, a folder with such a ``weights.safetensors``, or a JSON alone,
            which describes a network with fresh weights; NVIDIA's ``.pkl``; or a ``.pt`` of
            rosinality's StyleGAN2.
        values: without them, tensors of a ``.safetensors`` file have shapes alone.
    Raises:
        BadWeights: the file is absent, truncated, or not a StyleGAN.
    """
    if path.is_dir():
        path = path / "weights.safetensors"
    if not path.is_file():
        raise BadWeights(
            f"there is no file {path}", hint="Name a .safetensors file, or a folder that holds one"
        )
    if path.suffix == ".json":
        data = _read_json(path)
        seed = data.get("seed", 0)
        if not isinstance(seed, int):
            raise BadWeights(f"seed in {path} is a whole number, not {seed!r}")
        return Stored(_settings(data, path), None, seed)
    if path.suffix != ".safetensors":
        return _read_foreign(path)
    metadata, tensors = _read_safetensors(path, values)
    if "c2l" in metadata:
        return Stored(_settings(_parse(metadata["c2l"], path), path), tensors)
    beside = _json_beside(path)
    data = {"family": _family_by_names(tensors), **_read_json(beside)}
    settings = _settings(data, beside)
    const = tensors.get("synthesis.b4.const")
    if isinstance(settings, StyleGAN2Settings) and const is not None and const.ndim == 3:
        # Init arguments say one side of an image alone.
        settings = dataclasses.replace(settings, const_size=(const.shape[1], const.shape[2]))
    return Stored(settings, tensors)


def recognises(path: Path) -> bool:
    """Whether ``path`` is something that ``read`` understands; reads headers only."""
    if path.is_dir():
        path = path / "weights.safetensors"
    with suppress(BadWeights, SafetensorError, OSError):
        if path.suffix == ".json":
            data = _read_json(path)
            return data.get("schema") == SCHEMA or {"init_kwargs", "class_name"} <= data.keys()
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if "c2l" in metadata:
                    return bool(_parse(metadata["c2l"], path).get("schema") == SCHEMA)
                return _names_a_stylegan(set(file.keys())) and _json_beside(path).is_file()
        if path.is_file():
            return _recognises_foreign(path)
    return False


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
    described = {"schema": SCHEMA, "family": family_of(settings), "settings": settings.to_dict()}
    metadata = {"c2l": json.dumps(described, sort_keys=True)}
    with draft_of(path) as draft:
        try:
            save_file(stored, draft, metadata)
            draft.chmod(0o644)  # else nobody but its owner may read it
        except SafetensorError as error:
            raise _of_the_system(error) from error


def _of_the_system(error: SafetensorError) -> OSError:
    """What the system said to the writer of safetensors, which wraps it in words of its own."""
    match = re.search(r"os error (\d+)", str(error))
    return OSError(int(match[1]), os.strerror(int(match[1]))) if match else OSError(str(error))


def _read_foreign(path: Path) -> Stored:
    """Read a file that is none of ours, by what stands at its beginning."""
    head = _head(path)
    if head[:2] == b"PK" or head.startswith(LEGACY):
        return Stored(*rosinality.read(path))
    refuse_stand_in(path)
    if head[0] in _FIRST_OF_PICKLES:
        return Stored(*nvidia_pickles.read(path))
    raise BadWeights(
        f"{path} is not read: it is neither a pickle nor a checkpoint of torch",
        hint="Only StyleGAN2 and StyleGAN3 can be read: .pkl, .pt or .safetensors",
    )


def _recognises_foreign(path: Path) -> bool:
    head = _head(path)
    if rosinality.recognises(path):
        return True
    if path.suffix == ".pkl" and head[:1] != b"" and head[0] in _FIRST_OF_PICKLES:
        return True  # nobody else's; reading it says what is wrong with it
    return any(mark in head for mark in nvidia_pickles.MARKS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER)
    except OSError as error:
        raise BadWeights(f"cannot read {path}: {error.strerror}", hint="Check the path") from error


def _read_safetensors(path: Path, values: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            take = file.get_tensor if values else lambda name: _shape_alone(file.get_slice(name))
            tensors = {name: take(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise BadWeights(
            f"{path} is not a whole safetensors file: {error}", hint="Fetch or copy it again"
        ) from error
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise BadWeights(f"tensor {name} in {path} is {tensor.dtype}, not floating-point")
    return metadata, tensors


def _shape_alone(stored: Any) -> Tensor:
    return torch.empty(stored.get_shape(), device="meta")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise BadWeights(f"{path} is too large for a description of a network")
        return _parse(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadWeights(f"cannot read {path}: {error}") from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadWeights(f"the description in {path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadWeights(f"the description in {path} is not a JSON object")
    return data


def _json_beside(path: Path) -> Path:
    candidates = (
        path.with_suffix(".json"),
        path.parent / "golden.json",
        path.parent / "config.json",
    )
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise BadWeights(
        f"{path} does not describe its network",
        hint=f"Put the init arguments of the network beside it, as {candidates[0].name}",
    )


def _settings(data: Mapping[str, Any], path: Path) -> Settings:
    schema = data.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise BadWeights(f"{path} follows {str(schema)[:40]!r}, not {SCHEMA!r}")
    try:
        if "schema" in data:
            return FAMILIES[data["family"]].from_dict(data["settings"])
        kwargs = data["init_kwargs"]
        class_name = str(data.get("class_name", ""))
        family = "stylegan3" if "networks_stylegan3" in class_name else data.get("family")
        if family == "stylegan3":
            return StyleGAN3Settings.from_init_kwargs(kwargs)
        if family is None and not class_name:
            raise BadWeights(f"{path} names no class_name", hint="Add the class of the network")
        is_ada = class_name == "training.networks.Generator" or data.get("repo") == "ada"
        return StyleGAN2Settings.from_init_kwargs(kwargs, repo="ada" if is_ada else "")
    except BadWeights as error:
        problem = f"the description in {path} is unusable: {error.message}"
        raise BadWeights(problem, hint=error.hint) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise BadWeights(f"the description in {path} is unusable: {problem}") from error


def _family_by_names(tensors: Mapping[str, Tensor]) -> str:
    return "stylegan3" if any(n.startswith("synthesis.input.") for n in tensors) else "stylegan2"


def _names_a_stylegan(names: set[str]) -> bool:
    synthesis = {"synthesis.b4.const", "synthesis.input.weight"}
    return "mapping.fc0.weight" in names and not synthesis.isdisjoint(names)
