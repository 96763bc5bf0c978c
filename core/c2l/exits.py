"""``os._exit`` inside somebody else's code raises, instead of ending the program without a word."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_end_process = os._exit


class _Inside(threading.local):
    process = 0
    """The process in which this thread is inside foreign code; 0 for none."""


_inside = _Inside()


@contextmanager
def exits_raise() -> Iterator[None]:
    """Inside, ``os._exit`` raises ``SystemExit`` in this thread; processes forked there may end."""
    os._exit = _exit
    before, _inside.process = _inside.process, os.getpid()
    try:
        yield
    finally:
        _inside.process = before


def _exit(status: int) -> NoReturn:
    if _inside.process == os.getpid():
        raise SystemExit(f"os._exit({status!r})")
    _end_process(status)
