"""A live picture, with the thread that draws it, what changes it, and what shows it."""

from __future__ import annotations

from collections.abc import Callable

from c2l.service import LivePicture, LiveValues
from c2l.web.engine.engine import Status
from c2l.web.live.board import Board
from c2l.web.live.newest import Newest
from c2l.web.live.once import Once
from c2l.web.live.osc import OscIn
from c2l.web.live.stage import Stage


class Show:
    """Everything of ``c2l live`` but the way to its viewers.

    Args:
        open_picture: called once the port is had: it may take long, or fetch weights.
        values: to begin with.
        fps: the most frames a second.
        osc: host and port to listen at for messages; port 0 is any that is free.
        say: called once with each thing that goes wrong.
    Raises:
        BadInput: the port is taken, or the host is not here.
        As ``open_picture``.
    """

    def __init__(
        self,
        open_picture: Callable[[], LivePicture],
        values: LiveValues,
        *,
        fps: float,
        osc: tuple[str, int],
        say: Callable[[str], None],
    ) -> None:
        once = Once(say)
        self.newest = Newest()
        self._board = Board(values, once)
        self.osc = OscIn(osc, self._board, once)
        picture = open_picture()
        picture.tell = lambda notice: once(notice.text)  # the same words may come with each beat
        self._stage = Stage(picture, self._board, self.newest, fps=fps, say=once)

    def start(self) -> None:
        """Draw and listen from now on."""
        self._stage.start()
        self.osc.start()

    def begin_draining(self) -> None:
        """Let all viewers go: they would watch for ever."""
        self.newest.close()

    def status(self) -> Status:
        """How it is, for whoever watches the server."""
        frame = self.newest.frame
        return Status(
            ready=frame is not None and not self.newest.closed,
            draining=self.newest.closed,
            waiting=0,
            running=self.newest.num_waiting,
            counts={
                "live_frames": ("Frames drawn.", frame.number if frame else 0),
                "live_messages": ("Messages of OSC that changed a value.", self._board.newest()[1]),
            },
        )

    def close(self) -> None:
        """Draw and listen no longer."""
        self.osc.close()
        self._stage.close()
