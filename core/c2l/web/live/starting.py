"""The door from the command line to ``c2l live``: looks whether the extra is there, and shows."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from c2l.errors import BadInput, MissingDependency

if TYPE_CHECKING:
    from c2l.service import LivePicture, LiveValues
    from c2l.web.settings import Settings

_NEEDED = {"fastapi": "fastapi", "uvicorn": "uvicorn", "websockets": "websockets",
           "pythonosc": "python-osc"}  # fmt: skip

MOST_FPS = 120


def check_live(fps: float) -> None:
    """What can be said before anything is loaded.

    Raises:
        MissingDependency: the extra ``c2l[live]`` is not installed.
        BadInput: a rate that does not exist.
    """
    absent = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if absent:
        raise MissingDependency(
            f"live pictures need {', '.join(absent)}", hint="Install it: pip install 'c2l[live]'"
        )
    if not 0 < fps <= MOST_FPS:
        raise BadInput(f"`fps={fps:g}` is not above 0 and up to {MOST_FPS}", hint="Use `fps=30`",
                       field="fps")  # fmt: skip


def show_live(
    open_picture: Callable[[], LivePicture],
    values: LiveValues,
    settings: Settings,
    *,
    fps: float,
    osc: tuple[str, int],
    say: Callable[[str], None],
    on_ready: Callable[[str, int], None],
) -> None:
    """Show a live picture until SIGTERM or Ctrl-C.

    Args:
        open_picture: called once both ports are had.
        osc: host and port to listen at for messages.
        say: called once with each thing that goes wrong.
        on_ready: called with the address for viewers, and the port for messages.
    Raises:
        BadInput: a port is taken, or a host is not here.
        As ``open_picture``.
    """
    from c2l.web.live.running import run_show
    from c2l.web.live.show import Show

    def make_show() -> Show:
        return Show(open_picture, values, fps=fps, osc=osc, say=say)

    run_show(make_show, settings, on_ready=on_ready)
