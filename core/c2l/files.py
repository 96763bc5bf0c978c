"""Files: written whole or not at all, and texts, TOML and JSON read as editors save them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l.places import Place
from c2l_registry import files
from c2l_registry.files import draft_of

__all__ = [
    "create_atomically",
    "draft_of",
    "read_json",
    "read_text",
    "read_toml",
    "remove_partials",
    "write_atomically",
]


def write_atomically(path: Place, data: bytes, *, hint: str = "") -> None:
    """Write a file so that whoever reads it, at any moment, finds the old one or the new one.

    Args:
        hint: what to do where the disk does not take it; without one, it follows from the error.
    Raises:
        NotWritable, StoreRefused, StoreUnreachable
    """
    if isinstance(path, Path):
        files.write_atomically(path, data, hint=hint)
    else:
        path.write_bytes(data)


def create_atomically(path: Place, data: bytes) -> bool:
    """Write a file unless it exists; of several who do so at once, one does. Says whether.

    Raises:
        NotWritable, StoreRefused, StoreUnreachable
    """
    return files.create_atomically(path, data) if isinstance(path, Path) else path.create(data)


def remove_partials(folder: Place, name: str = "*") -> None:
    """Remove what killed writers of ``folder / name`` left; in a store they leave nothing."""
    if isinstance(folder, Path):
        files.remove_partials(folder, name)


def read_text(path: Path, *, field: str = "") -> str:
    """Read a text file in UTF-8, with or without a byte order mark.

    Args:
        field: the one that named the file, for errors.
    Raises:
        BadInput: it cannot be read, or is in another encoding.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds zero bytes, as UTF-16 does")
    except OSError as error:
        reason = error.strerror or error
        raise BadInput(
            f"cannot read {path}: {reason}", hint="Check the path", field=field
        ) from error
    except ValueError as error:
        raise BadInput(
            f"{path} is not in UTF-8: {error}", hint="Save it as UTF-8", field=field
        ) from error
    return text


def read_toml(path: Path, *, field: str = "") -> dict[str, Any]:
    """Read a TOML file, as ``read_text`` does.

    Raises:
        BadInput: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(read_text(path, field=field))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(
            f"{path} is not TOML: {error}", hint="See https://toml.io", field=field
        ) from error


def read_json(path: Path, *, field: str = "") -> dict[str, Any]:
    """Read a file that holds a JSON object, as ``read_text`` does.

    Raises:
        BadInput: it cannot be read, or is not a JSON object.
    """
    try:
        value = json.loads(read_text(path, field=field))
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{path} is not JSON: {error}", hint="See https://json.org", field=field
        ) from error
    if not isinstance(value, dict):
        raise BadInput(
            f"{path} is not a JSON object", hint="Write names and values in braces", field=field
        )
    return value


def at_home(path: Path) -> Path:
    """``~`` as the home folder, unless nobody has it."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
