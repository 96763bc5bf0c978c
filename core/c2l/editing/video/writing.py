"""Frames to a video, which plays even if drawing was stopped halfway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from c2l.editing.video.animations import Gif, WebP
from c2l.editing.video.encoded import MP4, WEBM, Encoded
from c2l.editing.video.frames import as_pictures
from c2l.editing.video.roomy_file import RoomyFile
from c2l.errors import BadInput, NotWritable
from c2l.files import draft_of
from c2l.interrupt import HeldInterrupt

if TYPE_CHECKING:
    from c2l.editing.video.frames import Frame

LEAST_FPS = 0.01
MOST_FPS = 240

_ROOM = 1 << 20
_ROOM_OF_A_PIXEL = 16
"""Bytes held back for the end of a video: the index, and some tens of frames in the encoder."""


class Writer(Protocol):
    """Writes the frames of one format."""

    def add(self, image: Image.Image) -> None: ...
    def close(self) -> None: ...


_WRITERS: Mapping[str, Callable[..., Writer]] = {
    ".mp4": partial(Encoded, container=MP4),
    ".webm": partial(Encoded, container=WEBM),
    ".webp": WebP,
    ".gif": Gif,
}
WITH_SOUND = (".mp4", ".webm")


@dataclass(frozen=True)
class Video:
    """A finished video.

    Args:
        path: the file.
        num_frames: how many it has.
        fps: frames a second.
    """

    path: Path
    num_frames: int
    fps: Fraction

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.num_frames / self.fps)


class VideoInterrupted(KeyboardInterrupt):
    """Ctrl-C while a video was drawn. The frames drawn so far are a video that plays.

    Args:
        video: those frames; None if there are none.
    """

    resumes = False

    def __init__(self, video: Video | None) -> None:
        drawn = f"the {_counted(video)} {video.path}, which plays" if video else ""
        super().__init__(drawn)
        self.video = video


def check_video(path: Path, fps: float, *, sound: bool = False) -> Fraction:
    """The exact frame rate of a video, if it can be written.

    Raises:
        BadInput: an unknown format, too slow or too fast, or a sound for a format without sound.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise BadInput(
            f"{path.name} names no kind of video", hint="Name a .mp4, .webm, .webp or .gif",
            field="out",
        )  # fmt: skip
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise BadInput(
            f"`fps={fps:g}` is not from {LEAST_FPS} to {MOST_FPS}", hint="Use `fps=30`", field="fps"
        )
    if sound and suffix not in WITH_SOUND:
        raise BadInput(f"a {suffix} has no sound", hint="Name a .mp4 or .webm", field="sound")
    return Fraction(fps).limit_denominator(1001)


def write_video(
    path: Path | str,
    frames: Iterable[Frame],
    *,
    fps: float = 30.0,
    sound: Path | None = None,
    on_frame: Callable[[int], None] = lambda num: None,
) -> Video:
    """Write frames as they come; memory does not grow with their number.

    Args:
        path: a .mp4 or .webm, which need PyAV (the extra ``c2l[video]``), a .webp or a .gif. An
            existing file is replaced once the video is complete.
        frames: pictures of one size, or tensors (3, H, W) or (B, 3, H, W) in [-1, 1].
        sound: a file whose sound goes with a .mp4 or .webm.
        on_frame: called with the number of frames after each.
    Raises:
        BadInput: no frames, frames of different sizes, or an impossible format or rate.
        MissingDependency: PyAV is not installed, or lacks the encoder.
        NotWritable: the disk is full, and the frames so far are a video that plays; or the file
            cannot be written at all.
        VideoInterrupted: Ctrl-C; the frames so far are a video that plays.
    """
    path = Path(path).expanduser()
    rate = check_video(path, fps, sound=sound is not None)
    pictures = as_pictures(frames)
    with HeldInterrupt() as stop:
        first = next(pictures, None)
        if first is None:
            raise BadInput("there are no frames", hint="Give one or more", field="frames")
        room = _ROOM + _ROOM_OF_A_PIXEL * first.width * first.height
        with draft_of(path, parents=True) as draft, RoomyFile(draft, room=room) as file:
            more = {"sound": sound} if sound is not None else {}
            writer = _WRITERS[path.suffix.lower()](file, rate, first.size, **more)
            num = 0
            for num, picture in enumerate(chain([first], pictures), 1):
                writer.add(picture)
                on_frame(num)
                if stop.asked or file.full:
                    break
            writer.close()
            full = file.full
    video = Video(path, num, rate)
    if full:
        raise NotWritable(
            f"the disk is full: the {_counted(video)} {path}, which plays",
            hint="Make room and write it again",
            field="out",
        )
    if stop.asked:
        raise VideoInterrupted(video)
    return video


def _counted(video: Video) -> str:
    first = "first frame is" if video.num_frames == 1 else f"first {video.num_frames:,} frames are"
    return f"{first} in"
