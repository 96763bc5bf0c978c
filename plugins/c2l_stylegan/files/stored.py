"""Reading a network file of any kind: what tells the kinds apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.errors import BadWeights
from c2l.ranges import MOST_SEED
from c2l.reading import Damaged, is_legacy, refuse_stand_in
from c2l_stylegan.files import generators, nvidia_pickles, torch_networks
from c2l_stylegan.files.descriptions import (
    SCHEMA,
    description_beside,
    parse_description,
    read_description,
    settings_of,
)
from c2l_stylegan.files.relatives import RELATIVES
from c2l_stylegan.files.renaming import Found
from c2l_stylegan.files.weights import read_safetensors
from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings

_HEADER = 1 << 18
# Also those of the oldest protocols, which no network has: so that the error says what they call.
_FIRST_OF_PICKLES = b"\x80(c]}"


@dataclass(frozen=True)
class Stored:
    """What a file holds: the settings, and the tensors or (a JSON alone) a seed for fresh ones.

    Args:
        remarks: what was assumed in reading it, one line each, whose subject is the file.
    """

    settings: Settings
    tensors: Mapping[str, Tensor] | None
    seed: int = 0
    remarks: tuple[str, ...] = ()


def read(path: Path, *, values: bool = True) -> Stored:
    """Read a network.

    Args:
        path: a ``.safetensors`` file that describes itself, one with a JSON of NVIDIA's init
            arguments beside it, a folder with such a ``weights.safetensors``, or a JSON alone,
            which describes a network with fresh weights; NVIDIA's ``.pkl``; or what
            ``torch.save`` wrote, in any layout of ``layouts.py`` or NVIDIA's own.
        values: without them, tensors of a ``.safetensors`` file have only shapes.
    Raises:
        BadWeights: the file is missing, truncated, or not a StyleGAN.
    """
    if path.is_dir():
        path = path / "weights.safetensors"
    if not path.is_file():
        raise BadWeights(
            f"there is no file {path}",
            hint="Give the path of a .safetensors file, or of a folder that holds one",
        )
    if path.suffix == ".json":
        data = read_description(path)
        seed = data.get("seed", 0)
        if type(seed) is not int or not 0 <= seed <= MOST_SEED:
            raise BadWeights(
                f"`seed` in {path} must be a whole number from 0 to {MOST_SEED}, "
                f"not {str(seed)[:40]}"
            )
        return Stored(settings_of(data, path), None, seed)
    if path.suffix != ".safetensors":
        return _read_foreign(path)
    metadata, tensors = read_safetensors(path, values=values)
    if "c2l" in metadata:
        return Stored(settings_of(parse_description(metadata["c2l"], path), path), tensors)
    beside = description_beside(path)
    if beside is None:
        return _read_bare(path)
    data = {"family": _family_by_names(tensors), **read_description(beside)}
    settings = settings_of(data, beside)
    const = tensors.get("synthesis.b4.const")
    if isinstance(settings, StyleGAN2Settings) and const is not None and const.ndim == 3:
        # Init arguments hold only one side of an image.
        settings = dataclasses.replace(settings, const_size=(const.shape[1], const.shape[2]))
    return Stored(settings, tensors)


def _read_bare(path: Path) -> Stored:
    """Read a ``.safetensors`` that nothing describes, by the names of its tensors."""
    _, tensors = read_safetensors(path, values=True)
    try:
        return _stored(generators.find({}, tensors, lambda tensor, _: tensor.float()))
    except Damaged as error:
        raise BadWeights(
            f"{path} cannot be read: {error}",
            hint="If it is a StyleGAN, put the init arguments of the network beside it, as "
            f"{path.with_suffix('.json').name}",
        ) from error


def _stored(found: Found) -> Stored:
    return Stored(found.settings, found.tensors, remarks=found.remarks)


def recognises(path: Path) -> bool:
    """Whether ``path`` is something that ``read`` understands; reads only headers."""
    if path.is_dir():
        path = path / "weights.safetensors"
    with suppress(BadWeights, SafetensorError, OSError):
        if path.suffix == ".json":
            data = read_description(path)
            return data.get("schema") == SCHEMA or {"init_kwargs", "class_name"} <= data.keys()
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                if "c2l" in metadata:
                    return bool(parse_description(metadata["c2l"], path).get("schema") == SCHEMA)
                return generators.has_places(file.keys())
        if path.is_file():
            return _recognises_foreign(path)
    return False


def _read_foreign(path: Path) -> Stored:
    """Read a file of another project, by how it begins."""
    head = _head(path)
    if head[:2] == b"PK" or is_legacy(head):
        return _stored(torch_networks.read(path))
    refuse_stand_in(path)
    if head[0] in _FIRST_OF_PICKLES:
        return _stored(nvidia_pickles.read(path))
    raise BadWeights(
        f"{path} cannot be read: it is neither a pickle nor a PyTorch checkpoint",
        hint="Supported are StyleGAN2 and StyleGAN3 as .pkl, .pt or .safetensors",
    )


def _recognises_foreign(path: Path) -> bool:
    head = _head(path)
    if torch_networks.recognises(path):
        return True
    if any(mark in head for mark in RELATIVES):
        return False
    if path.suffix == ".pkl" and head[:1] != b"" and head[0] in _FIRST_OF_PICKLES:
        return True  # nobody else's; reading it says what is wrong with it
    return any(mark in head for mark in nvidia_pickles.MARKS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEADER)
    except OSError as error:
        raise BadWeights(f"cannot read {path}: {error.strerror}", hint="Check the path") from error


def _family_by_names(tensors: Mapping[str, Tensor]) -> str:
    return "stylegan3" if any(n.startswith("synthesis.input.") for n in tensors) else "stylegan2"
