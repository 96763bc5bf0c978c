"""The newest frame, for any number of viewers: frames never queue."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """A frame.

    Args:
        number: counted from 1.
        message: the number of the newest message that it was drawn with.
        jpeg: the picture.
    """

    number: int
    message: int
    jpeg: bytes


class Newest:
    """The newest frame. One thread puts frames, any event loop waits for them.

    A viewer that is slow misses frames, and is never shown an old one.
    """

    def __init__(self) -> None:
        self.frame: Frame | None = None
        """The newest one; None before the first."""
        self.closed = False
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()

    @property
    def num_waiting(self) -> int:
        """Viewers that wait for a frame."""
        return len(self._waiting)

    def put(self, jpeg: bytes, message: int) -> None:
        """Show another frame from now on."""
        with self._lock:
            number = self.frame.number + 1 if self.frame else 1
            self.frame = Frame(number, message, jpeg)
        self._wake()

    def close(self) -> None:
        """Let all viewers go."""
        self.closed = True
        self._wake()

    async def after(self, number: int, seconds: float | None = None) -> Frame | None:
        """The newest frame, as soon as there is one after ``number``; None once it is closed.

        Args:
            seconds: after which the newest frame is given anyway, though it was seen.
        """
        loop = asyncio.get_running_loop()
        while not self.closed:
            with self._lock:
                frame = self.frame
                if frame is not None and frame.number > number:
                    return frame
                waiting = loop.create_future()
                self._waiting[waiting] = loop
            try:
                async with asyncio.timeout(seconds):
                    await waiting
            except TimeoutError:
                return frame
            finally:
                with self._lock:
                    self._waiting.pop(waiting, None)
        return None

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for future, loop in waiting.items():
            loop.call_soon_threadsafe(_finish, future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
