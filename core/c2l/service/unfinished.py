"""The journal of an unfinished request in its folder, from which the same request is resumed.

One file for each request, ``.c2l-unfinished-HASH.jsonl``: the request with its seeds, and then a
line for each picture and each page of the grid, written before the file. What is there is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from c2l.errors import BadInput, NotWritable
from c2l.files import remove_partials
from c2l.images import write_new_png
from c2l.sampling.request import Request


class Unfinished:
    """The journal of one request in one folder; a context manager.

    Two processes that draw one request into one folder do not share a journal: the second draws
    all of its pictures.

    Attributes:
        request: with its seeds: those of the unfinished request, or new ones.

    Raises:
        NotWritable: the folder cannot be written.
    """

    def __init__(self, folder: Path, asked: Request) -> None:
        text = json.dumps(asked.to_dict(), sort_keys=True)
        name = f".c2l-unfinished-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        self._folder = folder
        self._path = folder / f"{name}.jsonl"
        self._lock = FileLock(folder / f"{name}.lock")
        self._mine = False
        self._asked = asked
        self.request = asked
        self._files: dict[int | str, Path] = {}

    @property
    def done(self) -> dict[int, Path]:
        """The files of pictures that are there, by the pictures' numbers."""
        return {index: path for index, path in self._files.items() if isinstance(index, int)}

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
            self._mine = True
        except Timeout:
            self.request = self._asked.with_seeds()
            return self
        try:
            self._read()
            if not self.done:
                self.request = self._asked.with_seeds()
                self._write(json.dumps(self.request.to_dict()), "w")
        except BaseException:
            self._release()
            raise
        return self

    @property
    def num_done(self) -> int:
        """How many pictures are in the folder."""
        return sum(path.is_file() for path in self.done.values())

    def keep(self, what: int | str, stem: str, write: Callable[[Path], object]) -> Path:
        """Write a PNG of this request, unless it is there; nothing is overwritten.

        Args:
            what: the picture's number, or the name of another file.
            stem: of the file's name.
            write: writes it.
        Returns:
            Where it is.
        """
        if what not in self._files:
            self._files[what] = write_new_png(
                self._folder, stem, write, on_name=lambda path: self._note(what, path)
            )
        return self._files[what]

    def _note(self, what: int | str, path: Path) -> None:
        self._write("\n" + json.dumps([what, path.name]), "a")

    def finish(self) -> None:
        """Remove the journal: all pictures are there."""
        if self._mine:
            self._path.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mine:
            if not self._files:  # nothing to resume
                self.finish()
            self._release()

    def _release(self) -> None:
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            first, *lines = self._path.read_text(encoding="utf-8").splitlines()
            self.request = Request(**json.loads(first))
        except (OSError, ValueError, TypeError, BadInput):
            return  # there is none
        for line in lines:
            try:
                what, name = json.loads(line)
                self._find(what, self._folder / Path(name).name)
            except (OSError, ValueError, TypeError):
                pass  # blank, or cut off when the disk was full

    def _find(self, what: int | str, path: Path) -> None:
        """Take up a file that was begun; what a kill left of an unfinished one is removed."""
        remove_partials(self._folder, path.name)
        if path.is_file() and path.stat().st_size:
            self._files[what] = path
        else:
            path.unlink(missing_ok=True)

    def _write(self, line: str, mode: str) -> None:
        if not self._mine:
            return
        try:
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise NotWritable(
                f"cannot write into {self._folder}: {error.strerror or error}",
                hint="Choose another `out`, or make room",
                field="out",
            ) from error
