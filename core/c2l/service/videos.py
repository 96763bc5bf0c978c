"""Walks as people type them, as videos."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from c2l.editing.video import Easing, Video, write_edit
from c2l.editing.video.writing import check_video
from c2l.service.editing import TypedEdit

FOLDER = Path("pictures")


def check_video_first(out: Path | None, fps: float) -> None:
    """What can be said about a video before anything is loaded.

    Raises:
        BadInput: another format, or a rate that does not exist.
    """
    check_video(out or FOLDER / "walk.mp4", fps)


def draw_video(
    typed: TypedEdit,
    out: Path | None,
    *,
    fps: float,
    easing: Easing = "linear",
    ping_pong: bool = False,
    sound: Path | None = None,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Video:
    """Draw an edit into a video.

    Args:
        out: replaced if it is there; None for a new ``pictures/NAME.mp4``.
        fps, easing, ping_pong, sound: as of ``Edit.video``.
        on_frame: called with the number of frames that were drawn, and of all.
    Raises:
        As ``Edit.video``.
    """
    path = out or _free(typed.edit.name)
    return write_edit(
        typed.edit,
        path,
        fps=fps,
        easing=easing,
        ping_pong=ping_pong,
        sound=sound,
        on_frame=on_frame,
    )


def _free(name: str) -> Path:
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(path for n in names if not (path := FOLDER / f"{n}.mp4").exists())
