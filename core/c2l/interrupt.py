"""Ctrl-C, held back until a step is complete."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class HeldInterrupt:
    """Within this context the first Ctrl-C only sets ``asked``; a second one interrupts as usual.

    What is made stays whole: a step of an optimiser, a frame of a video.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere no Ctrl-C arrives.
        # A process in the background of a shell ignores it, and goes on doing so.
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Within this context Ctrl-C waits for its end; a second one does not."""
    held = HeldInterrupt()
    try:
        with held:
            yield
    finally:
        if held.asked:
            signal.raise_signal(signal.SIGINT)  # whoever handles it outside gets it
