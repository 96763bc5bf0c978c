"""Videos as bytes, for whoever asks for one from elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from c2l.editing.edit import Edit
from c2l.editing.video import Easing, write_edit
from c2l.errors import BadInput

VideoFormat = Literal["webp", "gif", "mp4", "webm"]
_BY_AV = ("mp4", "webm")


def video_formats() -> tuple[VideoFormat, ...]:
    """The formats that can be written here: two of them need PyAV."""
    names: tuple[VideoFormat, ...] = get_args(VideoFormat)
    return names if find_spec("av") else tuple(n for n in names if n not in _BY_AV)


def refuse_other_formats(format: VideoFormat) -> None:
    """Raises ``BadInput`` for a format that cannot be written here."""
    if format not in video_formats():
        raise BadInput(
            f"this server cannot write {format}",
            hint=f"It can write {', '.join(video_formats())}",
            field="format",
        )


def sent_video(
    edit: Edit,
    format: VideoFormat,
    *,
    fps: float,
    easing: Easing,
    ping_pong: bool,
    on_frame: Callable[[int, int], None],
) -> bytes:
    """Draw an edit into a video, in a folder that is gone afterwards.

    Args:
        fps, easing, ping_pong: as in ``Edit.video``.
        on_frame: called with the number of frames that were drawn, and of all; may raise to stop.
    Raises:
        BadInput: as ``Edit.video``.
    """
    refuse_other_formats(format)
    with tempfile.TemporaryDirectory(prefix="c2l-") as folder:
        path = Path(folder) / f"video.{format}"
        write_edit(edit, path, fps=fps, easing=easing, ping_pong=ping_pong, on_frame=on_frame)
        return path.read_bytes()
