"""An edit as a video: the playhead moves along its frames, and between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2l.editing.video.playhead import Easing, places
from c2l.editing.video.sound import read_sound
from c2l.editing.video.writing import WITH_SOUND, Video, check_video, write_video
from c2l.errors import BadInput
from c2l.sampling.operations import Interpolate, Operation

if TYPE_CHECKING:
    from c2l.editing.edit import Edit
    from c2l.result import Picture

_EXACT = 1e-6
"""Of a step: what is nearer to a stop is the stop."""


def write_edit(
    edit: Edit,
    path: Path | str,
    *,
    fps: float = 30.0,
    easing: Easing = "linear",
    ping_pong: bool = False,
    sound: Path | str | None = None,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Video:
    """Draw an edit, frame by frame, into a video.

    Args:
        path: a .mp4, .webm, .webp or .gif, as in ``write_video``.
        easing: how it starts and ends, see ``Easing``.
        ping_pong: also play it backwards.
        sound: a wav, mp3 or the like that moves the playhead: silence shows the first frame, loud
            sound the last. The video gets its length, and the sound itself if the format can.
        on_frame: called with the number of frames drawn so far, and in total.
    Raises:
        As ``write_video``, and ``BadInput`` for a sound that cannot be read.
    """
    path = Path(path).expanduser()
    rate = check_video(path, fps)
    if len(edit) < 2:
        raise BadInput(
            "a video needs two pictures or more", hint="Make a walk of them", field="ends"
        )
    loop = getattr(edit, "loop", False)
    source = Path(sound).expanduser() if sound is not None else None
    loudness = read_sound(source, rate).loudness if source is not None else None
    shown = places(len(edit), easing=easing, ping_pong=ping_pong, loop=loop, loudness=loudness)
    return write_video(
        path,
        _drawn(edit, shown),
        fps=fps,
        sound=source if path.suffix.lower() in WITH_SOUND else None,
        on_frame=lambda done: on_frame(done, len(shown)),
    )


def _drawn(edit: Edit, shown: Sequence[float]) -> Iterator[Picture]:
    stops = edit.operations
    frames = [_at(stops, place) for place in shown]
    for result in edit.pipeline.draw_operations(frames, truncation=edit.truncation):
        yield from result


def _at(stops: Sequence[Operation], place: float) -> Operation:
    """The operation at a place; neighbours are alike, so a straight line between them will do."""
    before = int(place + _EXACT)
    part = place - before
    start, end = (stops[k % len(stops)] for k in (before, before + 1))
    return start if part <= _EXACT else Interpolate(start=start, end=end, at=part, path="linear")
