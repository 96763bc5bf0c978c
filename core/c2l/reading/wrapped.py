"""Weights that somebody packed: a ``.gz``, or a ``.zip`` with one file of weights in it.

They are unpacked onto the disk, never into memory, and only as far as weights can go: numbers that
a network learned hardly get smaller, so what grows to many times its size is no network.
"""

from __future__ import annotations

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from c2l.errors import BadWeights, C2LError
from c2l.reading.containers import Damaged, check_directory

_MOST_GROWTH = 2
_SPARE = 1 << 20
"""In bytes; small files hold more text than numbers."""
_DEEPEST = 3
_MOST_ENTRIES = 100
_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_WEIGHTS = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".onnx", ".pt2")
_PACKED = (".gz", ".zip")
_FAILURES = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)


@contextmanager
def unwrapped(path: Path) -> Iterator[Path]:
    """The file of weights inside a packed one, for as long as it is read; ``path`` if it is none.

    What lay beside it in a ``.zip`` lies beside it again. Errors name ``path``.

    Raises:
        BadWeights: it holds no or several files of weights, is damaged, or would grow too much.
    """
    if not is_wrapped(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="c2l-", ignore_cleanup_errors=True) as folder:
        try:
            inner = _unpacked(path, Path(folder), _Budget(path), _DEEPEST)
        except Damaged as error:
            raise BadWeights(
                f"{path} cannot be unpacked: {error}", hint="Unpack it and give the file of weights"
            ) from error
        except _FAILURES as error:
            raise BadWeights(
                f"{path} is cut off or damaged: {str(error).strip() or type(error).__name__}",
                hint="Fetch or copy it again",
            ) from error
        try:
            yield inner
        except C2LError as error:
            error.message, error.hint = (
                text.replace(str(inner), str(path)).replace(folder, str(path))
                for text in (error.message, error.hint)
            )
            raise


def is_wrapped(path: Path) -> bool:
    """Whether a file is packed: a ``.gz`` by how it begins, or a ``.zip`` that is no checkpoint."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] == _GZIP:
            return True
        if start != _ZIP or path.suffix.lower() != ".zip":
            return False
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("/data.pkl") for name in archive.namelist())
    except (*_FAILURES, NotImplementedError):
        return False


class _Budget:
    """How much may still be written to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = path.stat().st_size * _MOST_GROWTH + _SPARE

    def copy(self, source: IO[bytes] | gzip.GzipFile, target: Path) -> Path:
        with target.open("xb") as file:
            while block := source.read(_BLOCK):
                self.left -= len(block)
                if self.left < 0:
                    raise BadWeights(
                        f"{self.path} would grow to many times its size, as no weights do",
                        hint="Do not unpack it; ask whoever made it",
                    )
                file.write(block)
        return target


def _unpacked(path: Path, folder: Path, budget: _Budget, depth: int) -> Path:
    if not is_wrapped(path):
        return path
    if not depth:
        raise Damaged("it is packed too many times")
    below = folder / str(depth)
    below.mkdir()
    with path.open("rb") as file:
        is_gzip = file.read(2) == _GZIP
    if is_gzip:
        name = path.stem if path.suffix.lower() == ".gz" else path.name
        with gzip.open(path) as packed:
            inner = budget.copy(packed, below / name)
    else:
        inner = _from_zip(path, below, budget)
    return _unpacked(inner, folder, budget, depth - 1)


def _from_zip(path: Path, folder: Path, budget: _Budget) -> Path:
    """Everything in an archive, without its folders; the one file that is weights."""
    with path.open("rb") as file:
        check_directory(file, path.stat().st_size)
        with zipfile.ZipFile(file) as archive:
            files = [
                e for e in archive.infolist() if not e.is_dir() and "__MACOSX" not in e.filename
            ]
            entries = {PurePosixPath(e.filename.replace("\\", "/")).name: e for e in files}
            if not 0 < len(entries) == len(files) <= _MOST_ENTRIES:
                raise Damaged(f"it holds {len(files)} files, some of one name, or none")
            weights = [n for n in entries if n.lower().endswith((*_WEIGHTS, *_PACKED))]
            if len(weights) != 1:
                some = ", ".join(weights[:3] or list(entries)[:3])
                raise Damaged(f"it holds {some[:120]}, not one file of weights")
            for name, entry in entries.items():
                with archive.open(entry) as packed:
                    budget.copy(packed, folder / name)
    return folder / weights[0]
