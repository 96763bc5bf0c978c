"""The journal of an unfinished drawing in its folder, from which the same drawing is resumed.

One file for each, ``.c2l-unfinished-HASH.jsonl``: what was left open when it began, such as seeds,
and then a line for each picture and each page of the grid, written before the file. What is there
is done.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from c2l.editing.edit import Edit
from c2l.errors import BadInput, NotWritable
from c2l.files import remove_partials
from c2l.images import free_stem, write_new_png
from c2l.sampling.request import Request


class Journal(ABC):
    """The journal of one drawing in one folder; a context manager.

    Two processes that draw the same into one folder do not share a journal: the second draws all
    of its pictures.

    Args:
        asked: what is drawn, as a text that differs from all others.
    Raises:
        NotWritable: the folder cannot be written.
    """

    def __init__(self, folder: Path, asked: str) -> None:
        name = f".c2l-unfinished-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
        self._folder = folder
        self._path = folder / f"{name}.jsonl"
        self._lock = FileLock(folder / f"{name}.lock")
        self._mine = False
        self._files: dict[int | str, Path] = {}

    @abstractmethod
    def _begin(self) -> str:
        """Decide what was left open; the first line of the journal."""

    @abstractmethod
    def _take_up(self, first: str) -> None:
        """Take over what a first line decided. Raises ``ValueError``, ``TypeError``, ``KeyError``
        or ``BadInput`` for anything else."""

    @property
    def done(self) -> dict[int, Path]:
        """The files of pictures that are there, by the pictures' numbers."""
        return {index: path for index, path in self._files.items() if isinstance(index, int)}

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=0)
            self._mine = True
        except Timeout:
            self._begin()
            return self
        try:
            self._read()
            if not self.done:
                self._write(self._begin(), "w")
        except BaseException:
            self._release()
            raise
        return self

    @property
    def num_done(self) -> int:
        """How many pictures are in the folder."""
        return sum(path.is_file() for path in self.done.values())

    def keep(self, what: int | str, stem: str, write: Callable[[Path], object]) -> Path:
        """Write a PNG of this drawing, unless it is there; nothing is overwritten.

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
            self._take_up(first)
        except (OSError, ValueError, TypeError, KeyError, BadInput):
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


class Unfinished(Journal):
    """The journal of a request.

    Attributes:
        request: with its seeds: those of the unfinished request, or new ones.
    """

    def __init__(self, folder: Path, asked: Request) -> None:
        super().__init__(folder, json.dumps(asked.to_dict(), sort_keys=True))
        self._asked = asked
        self.request = asked

    def _begin(self) -> str:
        self.request = self._asked.with_seeds()
        return json.dumps(self.request.to_dict())

    def _take_up(self, first: str) -> None:
        self.request = Request(**json.loads(first))


class UnfinishedEdit(Journal):
    """The journal of an edit, whose operations say all but how its files are called.

    Attributes:
        stem: of these.
    """

    def __init__(self, folder: Path, edit: Edit) -> None:
        operations = [o.model_dump(mode="json") for o in edit.operations]
        parts = edit.pipeline.provenance["fingerprints"]
        super().__init__(folder, json.dumps([edit.name, edit.truncation, parts, operations]))
        self._name = edit.name
        self.stem = edit.name

    def _begin(self) -> str:
        self.stem = free_stem(self._folder, self._name)
        return json.dumps({"stem": self.stem})

    def _take_up(self, first: str) -> None:
        self.stem = str(json.loads(first)["stem"])
