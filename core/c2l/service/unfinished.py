"""The journal of an unfinished request in its folder, from which the same request is resumed.

One file for each request, ``.c2l-unfinished-HASH.jsonl``: the request with its seeds, and then a
line for each picture, written before the picture. A picture is done if its file is there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from c2l.errors import BadInput, NotWritable
from c2l.sampling.request import Request


class Unfinished:
    """The journal of one request in one folder; a context manager.

    Two processes that draw one request into one folder do not share a journal: the second draws
    all of its pictures.

    Attributes:
        request: with its seeds: those of the unfinished request, or new ones.
        done: the files of pictures that were drawn, by index.

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
        self.done: dict[int, Path] = {}

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
                self._write(self.request.to_dict(), "w")
        except BaseException:
            self._release()
            raise
        return self

    @property
    def num_done(self) -> int:
        """How many pictures are in the folder."""
        return sum(path.is_file() for path in self.done.values())

    def note(self, index: int, path: Path) -> None:
        """Note that picture ``index`` is about to be written to ``path``."""
        self._write([index, path.name], "a")
        self.done[index] = path

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
            if not self.done:  # nothing to resume
                self.finish()
            self._release()

    def _release(self) -> None:
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            first, *lines = self._path.read_text(encoding="utf-8").splitlines()
            self.request = Request(**json.loads(first))
            for line in lines:
                index, name = json.loads(line)
                path = self._folder / name
                if path.is_file() and path.stat().st_size:
                    self.done[index] = path
        except (OSError, ValueError, TypeError, BadInput):
            pass  # there is none, or its last line was cut off: the lines before it count

    def _write(self, entry: Any, mode: str) -> None:
        if not self._mine:
            return
        try:
            with self._path.open(mode, encoding="utf-8") as file:
                # In ASCII, since a prompt may hold U+2028, at which ``splitlines`` splits.
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise NotWritable(
                f"cannot write into {self._folder}: {error.strerror or error}",
                hint="Choose another `out`, or make room",
                field="out",
            ) from error
