"""Walks as people type them, as videos."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from c2l.editing.directions.measuring import OnProgress
from c2l.editing.video import Video
from c2l.editing.video.writing import check_video
from c2l.errors import BadInput
from c2l.service.directing import typed_direction
from c2l.service.edit_ends import Ends
from c2l.service.editing import TypedEdit, typed_walk
from c2l.service.session import Session

FOLDER = Path("pictures")

TURN = "-1..1"
"""How strong a direction is, from the first frame to the last."""


def check_video_first(out: Path | None, fps: float) -> None:
    """What can be said about a video before anything is loaded.

    Raises:
        BadInput: another format, or a rate that does not exist.
    """
    check_video(out or FOLDER / "walk.mp4", fps)


def typed_track(
    session: Session,
    ends: Ends,
    *,
    frames: int,
    start: str | None = None,
    end: str | None = None,
    direction: Path | str | None = None,
    strength: str | None = None,
    on_progress: OnProgress = lambda done, total: None,
    **way: Any,
) -> TypedEdit:
    """What the video goes along: a walk through all ends, or one end turned along a direction.

    Args:
        start, end, direction: name the direction, as in ``typed_direction``.
        strength: as in ``-1..1``, from the first frame to the last.
        on_progress: called while a direction is made, as in ``typed_direction``.
        way: ``path``, ``loop`` and ``spacing`` of the walk, as in ``typed_walk``.
    Raises:
        BadInput: both, or as ``typed_walk`` and ``typed_direction``.
    """
    if start is None and end is None and direction is None:
        if strength is not None:
            raise BadInput(
                "nothing says what to turn", hint="Give `start` and `end`, or `direction`",
                field="strength",
            )  # fmt: skip
        return typed_walk(session, ends, frames=frames, **way)
    if any(way.values()) or len(ends.things) != 1:
        raise BadInput(
            "a direction moves one picture; a walk goes between several",
            hint="Give one, without `path`, `loop` and `spacing`",
            field="ends",
        )
    if frames < 2:
        raise BadInput(f"`frames={frames}` is below 2", hint="Use `frames=60`", field="frames")
    along = f"{strength or TURN}:{frames}"
    named: dict[str, Any] = {"start": start, "end": end, "direction": direction}
    turned = typed_direction(session, ends, **named, strength=along, on_progress=on_progress)
    assert turned is not None  # there is one end
    return TypedEdit(turned.edit)


def draw_video(
    typed: TypedEdit,
    out: Path | None,
    **how: Any,
) -> Video:
    """Draw an edit into a video.

    Args:
        out: replaced if it is there; None for a new ``pictures/NAME.mp4``.
        how: as in ``Edit.video``.
    Raises:
        As ``Edit.video``.
    """
    return typed.edit.video(out or _free(typed.edit.name), **how)


def _free(name: str) -> Path:
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(path for n in names if not (path := FOLDER / f"{n}.mp4").exists())
