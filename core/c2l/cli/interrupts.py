"""Ctrl-C that Python would lose.

What is raised in a callback of the garbage collector or of a weak reference is printed and dropped,
and importing torch runs thousands of those: a Ctrl-C meanwhile would stop nothing.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SOON = 0.01
"""Seconds: by then the callback is over."""


@contextmanager
def no_interrupt_is_lost() -> Iterator[None]:
    """In this context, a Ctrl-C that was dropped comes again a moment later."""
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            again = threading.Timer(_SOON, _thread.interrupt_main)
            again.daemon = True
            again.start()
        else:
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
