"""What an interrupted drawing leaves in its folder, so that the same request goes on.

One file for each request, ``.c2l-unfinished-HASH.jsonl``: the request with its seeds, and then a
line for each picture, written before the picture. A picture is done if its file is there.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from c2l.errors import BadInput, NotWritable
from c2l.sampling.request import Request


class Unfinished:
    """The journal of one request in one folder; a context manager.

    Two processes that draw one request into one folder do not share a journal: the second draws
    all of its pictures.

    Attributes:
        request: the one given, or the one that was begun, with its seeds.
        done: the files of pictures that are there, by the pictures' numbers.

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
        self._read()
        if not self.done:
            self.request = self._asked.with_seeds()
            self._write(json.dumps(self.request.to_dict(), ensure_ascii=False), "w")
        return self

    def note(self, index: int, path: Path) -> None:
        """Say that picture ``index`` is about to be written to ``path``."""
        self._write(json.dumps([index, path.name], ensure_ascii=False), "a")
        self.done[index] = path

    def finish(self) -> None:
        """All pictures are there: nothing is left to go on with."""
        if self._mine:
            self._path.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._mine:
            if not self.done:  # nothing was begun, so there is nothing to go on with
                self.finish()
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
            pass  # nothing was begun, or the last line was cut off: what came before it holds

    def _write(self, line: str, mode: str) -> None:
        if not self._mine:
            return
        try:
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise NotWritable(
                f"cannot write into {self._folder}: {error.strerror or error}",
                hint="Choose another `out`, or make room",
                field="out",
            ) from error
