"""MP4 and WebM, by the libraries of FFmpeg that PyAV brings along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from c2l.editing.video.roomy_file import RoomyFile
from c2l.errors import BadInput, MissingDependency

_BT709 = 1  # FFmpeg's number for the colours of HD, which players assume where nothing is said
_STUDIO_RANGE = 1


@dataclass(frozen=True)
class Container:
    """A format, and what fills it.

    Args:
        name: FFmpeg's.
        video: encoders and their options, the best first.
        sound: the encoder of the sound, and its samples a second.
        plain: how people call the encoders.
    """

    name: str
    video: Mapping[str, Mapping[str, str]]
    sound: tuple[str, int]
    plain: str


MP4 = Container(
    "mp4",
    {"libx264": {"crf": "18"}, "libopenh264": {}, "h264_videotoolbox": {}, "h264_mf": {}},
    ("aac", 44_100),
    "H.264",
)
WEBM = Container(
    "webm",
    {
        "libvpx-vp9": {"crf": "24", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
        "libsvtav1": {"crf": "28"},
    },
    ("libopus", 48_000),
    "VP9 or AV1",
)


def load_av(why: str, *, field: str) -> ModuleType:
    """The package PyAV.

    Args:
        why: what needs it.
    Raises:
        MissingDependency: it is not installed, or cannot be loaded.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependency(
            f"{why} needs PyAV: {error}", hint="Install it: pip install 'c2l[video]'", field=field
        ) from error
    module: ModuleType = av
    return module


class Encoded:
    """A video of an encoder, with a sound if there is one.

    Args:
        size: width and height of a frame; odd ones get their last column or row twice, as the
            encoders want even ones.
        sound: a file whose sound goes with the video, for as long as that is.
    """

    def __init__(
        self,
        file: RoomyFile,
        fps: Fraction,
        size: tuple[int, int],
        *,
        container: Container,
        sound: Path | None = None,
    ) -> None:
        self._av = av = load_av(f"a .{container.name}", field="out")
        name = _encoder(av, container)
        self._out = av.open(file, mode="w", format=container.name)
        stream = self._out.add_stream(name, rate=fps, options=dict(container.video[name]))
        width, height = (side + side % 2 for side in size)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _STUDIO_RANGE
        if name == "libvpx-vp9":
            stream.bit_rate = 0  # so that the quality decides alone
        self._stream = stream
        self._fps = fps
        self._num = 0
        self._sound = _SoundTrack(av, self._out, sound, container) if sound else None

    def add(self, image: Image.Image) -> None:
        pixels = np.asarray(image)
        odd = [(0, side % 2) for side in pixels.shape[:2]]
        pixels = np.pad(pixels, [*odd, (0, 0)], mode="edge")
        frame = self._av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace=_BT709, dst_color_range=_STUDIO_RANGE
        )
        frame.pts, frame.time_base = self._num, 1 / self._fps
        self._num += 1
        self._out.mux(self._stream.encode(frame))
        if self._sound is not None:
            self._sound.write_until(self._num / self._fps)

    def close(self) -> None:
        self._out.mux(self._stream.encode(None))
        if self._sound is not None:
            self._sound.close()
        self._out.close()


def _encoder(av: ModuleType, container: Container) -> str:
    """The first encoder of a format that this build of PyAV has."""
    for name in container.video:
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise MissingDependency(
        f"this build of PyAV has no encoder for {container.plain}, as a .{container.name} needs",
        hint="Install PyAV as it is on PyPI, or write a .webp",
        field="out",
    )


class _SoundTrack:
    """The sound of a file, written as far as the video has come."""

    def __init__(self, av: ModuleType, out: Any, path: Path, container: Container) -> None:
        name, rate = container.sound
        self._out = out
        self._source = open_sound(av, path)
        self._stream = out.add_stream(name, rate=rate)
        self._stream.layout = "stereo"
        kind = self._stream.codec_context.codec.audio_formats[0].name
        self._frames = self._resampled(av.AudioResampler(format=kind, layout="stereo", rate=rate))
        self._rate = rate
        self._written = 0

    def _resampled(self, resampler: Any) -> Iterator[Any]:
        for frame in self._source.decode(audio=0):
            yield from resampler.resample(frame)
        yield from resampler.resample(None)

    def write_until(self, seconds: Fraction) -> None:
        while self._written < seconds * self._rate:
            frame = next(self._frames, None)
            if frame is None:
                return
            frame.pts, frame.time_base = self._written, Fraction(1, self._rate)
            self._written += frame.samples
            self._out.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._out.mux(self._stream.encode(None))
        self._source.close()


def open_sound(av: ModuleType, path: Path) -> Any:
    """A file with a sound, open.

    Raises:
        BadInput: it cannot be read, or has none.
    """
    try:
        source = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise BadInput(
            f"cannot read the sound {path}: {reason}", hint="Give a wav or mp3", field="sound"
        ) from error
    if not source.streams.audio:
        source.close()
        raise BadInput(f"{path} holds no sound", hint="Give a wav or mp3", field="sound")
    return source
