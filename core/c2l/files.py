"""Files: written so that they are whole or not there, and TOML read as people save it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from c2l.errors import BadInput, NotWritable


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file in UTF-8, with or without a byte order mark.

    Raises:
        BadInput: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read {path}: {reason}", hint="Give a TOML file in UTF-8") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that a crash at any moment leaves the old file or the new one.

    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    with draft_of(path, parents=True) as draft:
        draft.write_bytes(data)


@contextmanager
def draft_of(path: Path, *, parents: bool = False) -> Iterator[Path]:
    """A file beside ``path`` to write to, which becomes ``path`` once it is whole.

    Args:
        parents: make the folder, if it is not there.
    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            _sync(draft)
            os.replace(draft, path)
            _sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritable(
            f"cannot write {path}: {error.strerror or error}",
            hint="Choose another place, or make room",
        ) from error


def remove_partials(folder: Path, name: str = "*") -> None:
    """Remove what killed writers of ``folder / name`` left behind."""
    for partial in folder.glob(f".{name}.*.partial"):
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
