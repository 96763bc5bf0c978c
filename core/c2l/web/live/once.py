"""Things said once, however often they happen."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

_MOST = 100
"""Different things that are said; whoever sends more of them is not reading along."""

_LONGEST = 300

_NUMBERS = re.compile(r"-?\d[\d.e+-]*")


class Once:
    """Passes a line on if nothing like it was said before; numbers make no difference.

    Args:
        say: called with a line without control characters, whoever wrote it.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        plain = "".join(c if c.isprintable() else " " for c in text[:_LONGEST])
        with self._lock:
            like = _NUMBERS.sub("#", plain)
            if like in self._said or len(self._said) >= _MOST:
                return
            self._said.add(like)
        self._say(plain)
