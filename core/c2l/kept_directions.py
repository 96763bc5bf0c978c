"""Directions by name: those that are kept in c2l's own folder, and those on cards of plugins."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from c2l.errors import BadInput, UnknownReference
from c2l.plugins import registry
from c2l_registry.weights import home_folder

KIND: Final = "direction"
"""The word before the colon: ``direction:smile``."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SUFFIX = ".safetensors"
_METADATA = "c2l_direction"
"""As in ``c2l.editing.directions.direction``, whose import takes torch, and a list does not."""

_LONGEST_HEADER = 1_000_000


def kept_folder() -> Path:
    """Where they are: ``directions`` in ``C2L_HOME``, or in the platform's cache folder."""
    return home_folder(registry().environ) / "directions"


def place_to_keep(given: Path | str) -> Path:
    """Where a direction is written: a name means c2l's own folder, anything else is a file.

    Raises:
        BadInput: ``direction:`` and no name.
    """
    name = _name_of(str(given))
    return Path(given) if name is None else _file_of(name)


def place_of(given: Path | str) -> Path:
    """The file of a direction: a name, ``direction:NAME``, or a path.

    One that is kept here comes before one of a plugin.

    Raises:
        BadInput: ``direction:`` and no name.
        UnknownReference: there is none of this name.
        NotDownloaded: it is on the card of a plugin, and was not fetched yet.
    """
    name = _name_of(str(given))
    if name is None or Path(given).is_file():
        return Path(given)
    if (reference := on_card(given)) is not None:
        _, source = registry().resolve(reference, KIND)
        if source.path is None:
            raise UnknownReference(f"the card of {reference} names no file")
        return source.path
    path = _file_of(name)
    if not path.is_file():
        offered = [text.partition(":")[2] for text in registry().cards(KIND)]
        near = get_close_matches(name, [row["name"] for row in kept_directions()] + offered, n=3)
        hint = (
            f"Did you mean {' or '.join(near)}?" if near else "Make one with 'c2l edit direction'."
        )
        raise UnknownReference(
            f"there is no direction {name}", hint=f"{hint} List them: `c2l models list kind={KIND}`"
        )
    return path


def on_card(given: Path | str) -> str | None:
    """``direction:NAME``, if a plugin's card has this name and none is kept here by it."""
    name = _name_of(str(given))
    if name is None or is_kept(name) or Path(given).is_file():
        return None
    reference = f"{KIND}:{name}"
    return reference if reference in registry().cards(KIND) else None


def is_kept(name: str) -> bool:
    """Whether a direction is kept here by this name."""
    return _file_of(name).is_file()


def kept_directions() -> Iterator[dict[str, Any]]:
    """Name, path, size and card of each, in the order of their names. Reads no numbers."""
    folder = kept_folder()
    for path in sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else ():
        card = _card(path)
        if card is not None:
            size = path.stat().st_size
            yield {"name": path.stem, "path": path, "size": size, "card": card}


def show_direction(name: str) -> dict[str, Any]:
    """What is known about one of them.

    Raises:
        UnknownReference: there is none of this name.
    """
    path = place_of(f"{KIND}:{name}")
    card = _card(path) or {}
    return {
        "reference": f"{KIND}:{name}",
        "summary": card.get("name", ""),
        **facts_of(path),
        "size": path.stat().st_size,
        "path": str(path),
    }


def facts_of(path: Path) -> dict[str, Any]:
    """What the card in a direction's file says of it; nothing if it holds none."""
    card = _card(path)
    if card is None:
        return {}
    generator = card.get("generator") or {}
    return {
        "generator": generator.get("reference", ""),
        "fingerprint": generator.get("fingerprint", ""),
        "made": card.get("made", {}),
        "measures": card.get("measures", {}),
    }


def forget_direction(name: str) -> int:
    """Remove one of them; the bytes that are free now.

    Raises:
        UnknownReference: there is none of this name.
    """
    path = place_of(f"{KIND}:{name}")
    size = path.stat().st_size
    path.unlink()
    return size


def name_in(reference: str) -> str | None:
    """The name in ``direction:NAME``; None for anything else."""
    kind, colon, name = reference.partition(":")
    return name if colon and kind == KIND else None


def _name_of(given: str) -> str | None:
    """The name that is given, with or without its kind; None for a path."""
    name = name_in(given)
    if name is not None and not _NAME.fullmatch(name):
        raise BadInput(
            f"'{name}' is not the name of a direction",
            hint="Use lower-case letters, digits and - as in direction:smile",
            field="direction",
        )
    if name is None and _NAME.fullmatch(given) and not given.endswith(_SUFFIX):
        return given
    return name


def _file_of(name: str) -> Path:
    return kept_folder() / f"{name}{_SUFFIX}"


def _card(path: Path) -> dict[str, Any] | None:
    """The card in a file, read without its numbers; None if it holds none."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length)) if length < _LONGEST_HEADER else {}
        card = json.loads(header["__metadata__"][_METADATA])
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None
    return card if isinstance(card, dict) else None
