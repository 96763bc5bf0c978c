"""The thread that draws: always the newest values, never faster than anyone can see."""

from __future__ import annotations

import threading
from time import perf_counter

from c2l.errors import C2LError
from c2l.service import LivePicture
from c2l.web.live.board import Board
from c2l.web.live.newest import Newest
from c2l.web.live.once import Once


class Stage:
    """Draws a live picture while it moves, and rests while it is still.

    Args:
        fps: the most frames a second.
        say: called with what goes wrong.
    """

    def __init__(
        self, picture: LivePicture, board: Board, newest: Newest, *, fps: float, say: Once
    ) -> None:
        self._picture, self._board, self._newest = picture, board, newest
        self._between = 1 / fps
        self._say = say
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="c2l-live", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def close(self) -> None:
        """End, after the frame that is being drawn."""
        self._closed.set()
        self._board.close()
        self._thread.join()
        self._newest.close()

    def _draw(self) -> None:
        seconds = self._between
        while not self._closed.is_set():
            start = perf_counter()
            values, message = self._board.newest()
            still = True
            try:
                still = self._picture.move(values, seconds)
                self._newest.put(self._picture.draw(), message)
            except C2LError as error:
                self._say(str(error))
            except Exception as error:  # a show goes on
                self._say(f"internal: {type(error).__name__}: {error}")
            if still:
                # A message that came in the meantime is not waited for.
                self._board.wait(message)
                seconds = self._between
            else:
                self._closed.wait(self._between - (perf_counter() - start))
                seconds = perf_counter() - start
