"""Network files: inspects them, and converts them to safetensors."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.classes import known_names, names_beside, read_names
from c2l.errors import Assumed, BadInput, BadWeights, UnknownReference
from c2l.guard import blaming
from c2l.loading import load_generator, load_prior
from c2l.places import RemotePath, on_disk, place_of
from c2l.plugins import registry
from c2l.reading import unwrapped
from c2l.resolving import find_generator
from c2l_registry.paths import expand_path
from c2l_registry.references import means_a_path, names_a_file

MOST_NAMES = 10
"""Of classes, that are listed."""


def convert_file(source: str, target: Path, *, half: bool = False) -> int:
    """Convert a generator to a safetensors file, which opens faster.

    Args:
        source: a file, or ``kind:file`` if more than one plugin recognises it.
        half: store the weights in float16, half the size.
    Returns:
        Bytes written.
    Raises:
        BadInput: ``target`` does not end in ``.safetensors``, or is the source itself.
        UnknownReference, BadWeights, NotWritable
    """
    if target.suffix != ".safetensors":
        raise BadInput(f"{target} does not end in .safetensors", hint="Choose a name that does")
    if target.exists() and names_a_file(source) and target.samefile(source):
        raise BadInput(f"{target} would replace itself", hint="Choose another name")
    load_generator(_reference(source), device="cpu").save(target, half=half)
    return target.stat().st_size


def inspect_file(source: str) -> dict[str, Any]:
    """Describe a file: family, sizes, sha256, and name and licence if it is in the catalogue.

    Raises:
        UnknownReference, BadReference, BadWeights
    """
    place = place_of(source)
    if isinstance(place, RemotePath):
        try:
            with on_disk(place) as copy:
                return {**inspect_file(str(copy)), "file": str(place)}
        except FileNotFoundError:
            raise UnknownReference(f"there is no {place}", hint="Check the address") from None
    reference = _reference(source)
    try:
        cls, path = find_generator(reference)
    except UnknownReference:
        found = _inspect_prior(reference)
        if found is None:
            raise
        return found
    with unwrapped(path) as inner, blaming(cls, "describe"):
        described = dict(cls.describe(inner))
    found = _checksum(path) | _named(source)
    if described.get("classes"):
        described |= {"class_names": _class_names(path, found.get("reference", ""))}
    return {"file": str(path), **described, **found}


def _class_names(path: Path, reference: str) -> str:
    """What its classes are called, as far as a card or a file beside it says; the first ones."""
    card, beside = registry().cards().get(reference), names_beside(path)
    names: Sequence[str] = ()
    if card is not None and card.classes:
        names = known_names(card.classes) if isinstance(card.classes, str) else card.classes
    elif beside.is_file():
        names = read_names(beside)
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _inspect_prior(reference: str) -> dict[str, Any] | None:
    """Describe the file of a prior; None if it is something else."""
    path = expand_path(reference)
    if not path.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Assumed)  # a row of its own says it
            prior = load_prior(reference, device="cpu")
    except UnknownReference:
        return None
    except BadWeights:
        if path.suffix == ".safetensors":  # not a file of c2l
            return None
        raise
    trained_for = {
        role: getattr(prior.card, role).reference if prior.card else None
        for role in ("generator", "embedder")
    }
    return {
        "file": str(path),
        "prior": prior.reference.partition(":")[0],
        **prior.settings(),
        "class_labels": list(prior.card.class_labels) if prior.card else [],
        "repeats": list(prior.repeats or ()) or None,
        **trained_for,
        "remarks": "; ".join(prior.remarks),
        "parameters": sum(parameter.numel() for parameter in prior.parameters()),
        **_checksum(path),
    }


def _checksum(path: Path) -> dict[str, Any]:
    """Checksum and size of a file, and name and licence if it is in the catalogue."""
    file = path if path.is_file() else path / "weights.safetensors"
    if not file.is_file():
        return {}
    with file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return {"sha256": sha256, "size": file.stat().st_size, **_known(sha256)}


def _named(source: str) -> dict[str, str]:
    """Name and licence of a model given by reference."""
    card = registry().cards().get(source)
    return {"reference": source, "licence": card.licence} if card else {}


def _known(sha256: str) -> dict[str, str]:
    """Name and licence of a file that the catalogue knows by its checksum."""
    card = registry().card_of_file(sha256)
    return {"reference": card.reference, "licence": card.licence} if card else {}


def _reference(source: str) -> str:
    """A file may be given without ``./``, which a reference needs."""
    if means_a_path(source):
        return source
    if names_a_file(source):
        return str(Path(source).absolute())
    if ":" not in source and Path(source).suffix:
        raise UnknownReference(f"there is no file {source}", hint="Check the path")
    return source
