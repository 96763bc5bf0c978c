"""The file of a prior, and the card in it.

A ``.safetensors`` file whose metadata has one key, ``c2l``: the JSON of a ``PriorCard``. Its
tensors are the prior's state dict, in float32 or float16.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.errors import BadWeights
from c2l.files import write_atomically
from c2l.places import Place
from c2l.places.tensors import read_metadata

if TYPE_CHECKING:
    from c2l.part import Part

SCHEMA = "c2l-prior/1"
_HINT = "Give a .safetensors file that 'c2l train' wrote"


@dataclass(frozen=True)
class PartCard:
    """Which part a prior was trained for, and the package that provides it."""

    reference: str
    fingerprint: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""

    @classmethod
    def of(cls, part: Part) -> Self:
        return cls(part.reference, part.fingerprint(), dict(part.settings()), part.package)


@dataclass(frozen=True)
class PriorCard:
    """Everything about a prior but its tensors.

    Args:
        kind: the registered kind, as in ``flow``.
        settings: the keyword arguments of its class, JSON-able.
        generator, embedder: the parts it was trained for.
        repeats: how many layers of the generator each of the K codes feeds.
        training: how it was trained: number of pairs, steps, seed, versions.
        scores: of its validation, by name.
        domain: what its generator can draw: ``name``, and ``threshold``, the cosine of picture
            and prompt below which a prompt is far from it; empty if not measured.
        class_labels: the classes of the generator that it was trained on; empty for all of them.
        student: the keyword arguments of the ``Student`` in the file; None where there is none.
    """

    kind: str
    settings: Mapping[str, Any]
    generator: PartCard
    embedder: PartCard
    repeats: tuple[int, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    class_labels: tuple[int, ...] = ()
    student: Mapping[str, Any] | None = None

    @property
    def chosen(self) -> Mapping[str, Any]:
        """The settings that training chose itself, and which its run leaves open."""
        chosen: Mapping[str, Any] = self.training.get("choice", {}).get("settings", {})
        return chosen

    def to_json(self) -> str:
        raw = dataclasses.asdict(self)
        if not self.class_labels:  # so that older versions read it as well
            del raw["class_labels"]
        return json.dumps({"schema": SCHEMA, **raw}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` on anything but a card."""
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("unknown schema")
        raw["generator"] = PartCard(**raw["generator"])
        raw["embedder"] = PartCard(**raw["embedder"])
        raw["repeats"] = tuple(raw["repeats"])
        raw["class_labels"] = tuple(raw.get("class_labels", ()))
        return cls(**raw)


def is_prior_file(path: Place) -> bool:
    """Whether ``path`` is a safetensors file with a prior's card; its suffix does not matter."""
    try:
        return "c2l" in read_metadata(path)
    except (SafetensorError, OSError):
        return False


def read_prior_card(path: Place) -> PriorCard:
    """Read the card of a prior file without its tensors.

    Raises:
        BadWeights: the file is not a prior file.
    """
    try:
        return PriorCard.from_json(read_metadata(path)["c2l"])
    except (SafetensorError, OSError) as error:
        raise BadWeights(
            f"{path} is not a readable safetensors file: {error}", hint=_HINT
        ) from error
    except (KeyError, ValueError, TypeError) as error:
        raise BadWeights(f"{path} is not a c2l prior", hint=_HINT) from error


def read_shapes(path: Path) -> dict[str, list[int]]:
    """The shapes of a safetensors file's tensors, from its header. Raises ``SafetensorError``."""
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        return {name: file.get_slice(name).get_shape() for name in names}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a prior file, floating ones in float32. Raises ``SafetensorError``."""
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        tensors = {name: file.get_tensor(name) for name in names}
    return {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}


def write_prior(path: Path, card: PriorCard, tensors: Mapping[str, Tensor]) -> None:
    """Write a prior file atomically. Raises ``NotWritable``."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(whole, metadata={"c2l": card.to_json()}))
