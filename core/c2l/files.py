"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from c2l.errors import NotWritable


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``path`` so that a crash at any moment leaves the old file or the new one.

    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
    except OSError as error:
        raise NotWritable(
            f"cannot write {path}: {error.strerror or error}",
            hint="Choose another place, or make room",
        ) from error


def remove_partials(folder: Path, name: str = "*") -> None:
    """Remove what killed writers of ``folder / name`` left behind."""
    for partial in folder.glob(f".{name}.*.partial"):
        partial.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
