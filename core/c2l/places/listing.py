"""Many objects at once: listings, small objects together, whole folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from c2l.places import asking
from c2l.places.remote import Entry, Place, RemotePath
from c2l_registry.files import write_atomically

_AT_ONCE = 128
"""Objects asked for together: latency hides, and memory stays small."""
_WORTH_A_LIST = 4
"""A list tells the sizes of a thousand objects, and may be long."""


def list_place(folder: Place) -> Iterator[os.DirEntry[str] | Entry]:
    """Names in a folder; their ``stat()`` has the size. Nothing is read, and no list is old.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if isinstance(folder, RemotePath):
        yield from folder.scan()
        return
    with closing(os.scandir(folder)) as entries:
        yield from entries


def read_many(folder: Place, names: Sequence[str]) -> Iterator[bytes]:
    """The small objects of these names, in their order.

    Raises:
        FileNotFoundError: one is not there.
    """
    if isinstance(folder, Path):
        for name in names:
            yield _read_file(f"{folder}{os.sep}{name}")  # pathlib would take most of the time
        return
    if len(names) < _WORTH_A_LIST:
        for name in names:
            yield (folder / name).read_bytes()
        return
    sizes = {entry.name: entry.stat().st_size for entry in folder.scan()}
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        for name in some:
            if name not in sizes:
                raise FileNotFoundError(str(folder / name))
        yield from _together(folder, {name: sizes[name] for name in some})


def write_many(folder: Place, files: Mapping[str, bytes]) -> None:
    """Write small files, each of them whole or not at all.

    Raises:
        NotWritable: the folder does not take them.
    """
    if isinstance(folder, Path):
        for name, data in files.items():
            write_atomically(folder / name, data)
        return
    folder.check_writable()
    address = str(folder)
    fs = asking.file_system(address)
    names = list(files)
    for start in range(0, len(names), _AT_ONCE):
        some = {str(folder / name): files[name] for name in names[start : start + _AT_ONCE]}
        asking.ask(address, "write", lambda some=some: fs.pipe(some))  # type: ignore[misc]


def remove_tree(folder: Place) -> None:
    """Remove a folder of files."""
    if isinstance(folder, Path):
        shutil.rmtree(folder)
        return
    for entry in list(folder.scan()):
        (folder / entry.name).unlink(missing_ok=True)


def _read_file(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        return os.read(file, os.fstat(file).st_size)
    finally:
        os.close(file)


def _together(folder: RemotePath, sizes: Mapping[str, int]) -> list[bytes]:
    address = str(folder)
    fs = asking.file_system(address)
    names = [str(folder / name) for name in sizes]

    def read() -> list[bytes]:
        found: list[Any] = fs.cat_ranges(
            names, [0] * len(names), list(sizes.values()), on_error="return"
        )
        for answer, size in zip(found, sizes.values(), strict=True):
            if isinstance(answer, Exception):
                raise answer
            if len(answer) != size:
                raise asking.CutOff(f"{len(answer):,} bytes came, not {size:,}")
        return [bytes(answer) for answer in found]

    return asking.ask(address, "read", read)
