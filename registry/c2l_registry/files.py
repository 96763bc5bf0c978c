"""Files that are either whole or not there: the one way in which anything is written."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from c2l_registry.paths import cannot_write


def write_atomically(path: Path, data: bytes, *, hint: str = "") -> None:
    """Write ``path`` so that a crash at any moment leaves the old file or the new one.

    Args:
        hint: as in ``cannot_write``.
    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    with draft_of(path, parents=True, hint=hint) as draft:
        draft.write_bytes(data)


def create_atomically(path: Path, data: bytes) -> bool:
    """Write ``path`` unless it exists; of several who do so at once, one does. Says whether.

    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    draft = path.with_name(f".{path.name}.{_writer()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(data)
            _sync(draft)
            try:
                os.link(draft, path)
            except FileExistsError:
                return False
            except OSError:  # no hard links here: of several at once, the last one wins
                os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


@contextmanager
def draft_of(
    path: Path, *, parents: bool = False, sync: bool = True, hint: str = ""
) -> Iterator[Path]:
    """A file beside ``path`` to write to, which becomes ``path`` once it is whole.

    Args:
        parents: make the folder, if it is not there.
        sync: wait until the disk has it, so that it also survives a power cut.
        hint: as in ``cannot_write``.
    Raises:
        NotWritable: the folder or the disk does not take it.
    """
    draft = path.with_name(f".{path.name}.{_writer()}.partial")
    try:
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield draft
            if sync:
                _sync(draft)
            os.replace(draft, path)
            if sync:
                _sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error, hint=hint) from error


def _writer() -> str:
    """Who writes: threads, processes and machines may share a folder."""
    return f"{platform.node()}-{os.getpid()}-{threading.get_ident()}"


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
