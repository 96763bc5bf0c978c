"""What a reader finds in a file, and where in a checkpoint a network lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import (
    Damaged,
    TorchFile,
    explain_damage,
    named_objects,
    named_tensors,
    read_beginning,
)
from c2l_gans.networks.settings import NetworkSettings
from c2l_stylegan.shared import Module, root_of, views

S = TypeVar("S", bound=NetworkSettings)
Take = Callable[[Any, str], Tensor]
"""Reads a tensor that lies in a file; the name is for messages."""

_HEADER = 1 << 18
_AVERAGED = re.compile(r"(?i)(^|_)(ema|smooth|avgg?|average|averaged|gs|ge)(_|$)")


@dataclass(frozen=True)
class Found(Generic[S]):
    """A network in a file: its settings, and its tensors under our names.

    Args:
        remarks: what was assumed in reading it, one line each, whose subject is "it".
    """

    settings: S
    tensors: Mapping[str, Tensor]
    remarks: tuple[str, ...] = ()


@contextmanager
def checkpoint(path: Path) -> Iterator[tuple[Any, Take]]:
    """What ``torch.save`` wrote, and how to read tensors of it.

    Raises:
        BadWeights: it is damaged, contains executable content, or (``Damaged`` within) is not what
            was looked for.
    """
    with TorchFile(path) as file, explain_damage(path):

        def take(value: Any, name: str) -> Tensor:
            stored = file.tensor(value)
            if stored is None or not stored.dtype.is_floating_point:
                raise Damaged(f"{name[:80]} is not a tensor of floating-point numbers")
            return file.read(stored).float()

        try:
            yield file.root, take
        except Damaged as error:
            raise _not_read(path, error) from error


def opened(path: Path) -> AbstractContextManager[tuple[Any, Take]]:
    """As ``checkpoint`` or as ``pickle``, whichever a file is."""
    return checkpoint(path) if read_beginning(path) else pickle(path)


@contextmanager
def pickle(path: Path, *, functions: bool = False) -> Iterator[tuple[Any, Take]]:
    """What NVIDIA's code and its heirs pickled, and how to read tensors of it.

    Args:
        functions: as in ``c2l_stylegan.shared.root_of``.
    Raises:
        BadWeights: as ``checkpoint``.
    """
    with explain_damage(path):
        try:
            yield root_of(path, functions=functions), views(at_most=path.stat().st_size)
        except Damaged as error:
            raise _not_read(path, error) from error


def tensors_of(root: Any, marks: Iterable[str]) -> tuple[dict[str, Any], str]:
    """The tensors of the network whose names include ``marks``, by the names it gave them.

    An average of weights comes before the weights themselves.

    Returns:
        the tensors, unread, and the place: what stands before their names.
    Raises:
        Damaged: there is no such network in the file.
    """
    values = named_tensors(root)
    first, *others = marks
    ends = (name.removesuffix(first) for name in values if name.endswith(first))
    places = [
        end
        for end in ends
        if (not end or end[-1] == ".") and all(f"{end}{other}" in values for other in others)
    ]
    if not places:
        some = ", ".join(name[:60] for name in list(values)[:3]) or "no tensors"
        raise Damaged(f"it does not hold this network: it has {some}")
    place = min(places, key=lambda place: (not is_averaged(place), len(place), place))
    own = {n.removeprefix(place): v for n, v in values.items() if n.startswith(place)}
    return own, place


def averaged_module(root: Any, *children: str) -> Module:
    """The network with these submodules; the averaged one where there are several.

    Raises:
        Damaged: there is none.
    """
    found = {
        name: module
        for name, value in named_objects(root).items()
        if (module := Module.of(value)) and all(map(module.child, children))
    }
    if not found:
        raise Damaged("it holds no generator G_ema")
    return found[min(found, key=lambda name: (not is_averaged(name), len(name), name))]


def has_marks(names: bytes, marks: Iterable[str]) -> bool:
    """Whether all of these are among the names at the beginning of a checkpoint."""
    return all(mark.encode() in names for mark in marks)


def is_pickle_with(path: Path, mark: bytes) -> bool:
    """Whether a file is a pickle that has this near its beginning."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    return head[:1] == b"\x80" and mark in head


def is_averaged(place: str) -> bool:
    """Whether a place is called after an average of weights."""
    return any(_AVERAGED.search(part) for part in place.split("."))


def check_grown(lod: Tensor | None) -> None:
    """Refuse a network that its training was still making larger.

    Args:
        lod: levels of detail that are still missing; None if the file does not say.
    """
    if lod is not None and float(lod) > 0:
        raise Damaged(f"its training had not grown it to its full size yet: lod is {float(lod):g}")


def _not_read(path: Path, error: Damaged) -> BadWeights:
    return BadWeights(f"{path} cannot be read: {error}", hint="docs/files.md lists what opens")
