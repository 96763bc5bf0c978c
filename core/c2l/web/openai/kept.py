"""Pictures that lie here for a while, for clients that ask for a URL."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

SECONDS = 3600
"""A picture is kept: as long as OpenAI keeps its own."""

MOST_BYTES = 128 << 20
"""Of all of them; the oldest go first."""


class Kept(NamedTuple):
    """A file, and when it is dropped."""

    data: bytes
    media_type: str
    until: float


class KeptPictures:
    """Files under names that nobody can guess. Threads may share it.

    Args:
        most_bytes: of all files; the last one is kept whatever its size.
        seconds: that each is kept.
        clock: of seconds.
    """

    def __init__(
        self,
        *,
        most_bytes: int = MOST_BYTES,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0
        self._access = Lock()

    def keep(self, data: bytes, media_type: str, suffix: str) -> str:
        """Keep a file; its name is the key to it."""
        name = f"{secrets.token_urlsafe(32)}.{suffix}"
        with self._access:
            self._kept[name] = Kept(data, media_type, self._clock() + self._seconds)
            self._bytes += len(data)
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._drop_first()
        return name

    def get(self, name: str) -> Kept | None:
        """A file, or None where it is not here any more."""
        with self._access:
            while self._kept and next(iter(self._kept.values())).until <= self._clock():
                self._drop_first()
            return self._kept.get(name)

    def _drop_first(self) -> None:
        _, gone = self._kept.popitem(last=False)
        self._bytes -= len(gone.data)
