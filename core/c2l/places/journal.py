"""A text that grows line by line: appended to on this machine, put whole into a store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from c2l.places.remote import Place

SECONDS_BETWEEN_PUTS = 10.0
"""A store cannot append, so that every put repeats the text; this is what a kill may cost."""


class Journal:
    """Lines in a file. Raises ``OSError`` where a file of this machine cannot be written.

    Args:
        place: the file.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._text = ""
        self._put_at = 0.0
        self._is_put = True

    def begin(self, lines: Iterable[str]) -> None:
        """Write these lines and nothing else."""
        self._text = "".join(f"{line}\n" for line in lines)
        if isinstance(self.place, Path):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            self.place.write_text(self._text, encoding="utf-8")
        else:
            self._put()

    def lines(self) -> Sequence[str]:
        """Those that are there; none if there is no file."""
        try:
            return self.place.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def add(self, line: str) -> None:
        """Add a line."""
        if isinstance(self.place, Path):
            with self.place.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            return
        self._text += line + "\n"
        self._is_put = False
        if time.monotonic() - self._put_at > SECONDS_BETWEEN_PUTS:
            self._put()

    def close(self) -> None:
        """Put what is not there yet."""
        if not self._is_put:
            self._put()

    def _put(self) -> None:
        assert not isinstance(self.place, Path)
        self.place.write_bytes(self._text.encode())
        self._put_at, self._is_put = time.monotonic(), True
