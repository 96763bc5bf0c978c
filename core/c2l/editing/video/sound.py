"""How loud a sound is at each frame of a video."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2l.editing.video.encoded import load_av, open_sound
from c2l.errors import BadInput

MOST_SECONDS = 4 * 3600
"""Of a sound. A day of noise is most likely a mistake."""

_FALL = 0.25
"""Seconds in which what was loud fades to a third: eyes follow drums up at once, down slowly."""

_QUIET, _LOUD = 0.05, 0.98
"""The shares of frames below and above which a sound counts as silent and as loud."""

_READ_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Sound:
    """A sound as frames see it.

    Args:
        path: the file.
        loudness: of each frame, from 0 to 1.
    """

    path: Path
    loudness: tuple[float, ...]


def read_sound(path: Path, fps: Fraction) -> Sound:
    """Measure a sound: a wav by itself, anything else by PyAV.

    Raises:
        BadInput: it cannot be read, or is empty.
        MissingDependency: it is no plain wav, and PyAV is not installed.
    """
    window = _Windows(path, fps)
    blocks = _wav_blocks(path)
    for samples, rate in blocks if blocks is not None else _av_blocks(path):
        window.add(samples, rate)
    volumes = np.sqrt(np.array(window.powers))
    if not len(volumes):
        raise BadInput(f"{path} is too short for a frame", hint="Give a longer one", field="sound")
    quiet, loud = np.quantile(volumes, [_QUIET, _LOUD])
    if loud - quiet < 1e-4:  # a tone that does not change moves nothing
        return Sound(path, (0.0,) * len(volumes))
    scaled = np.clip((volumes - quiet) / (loud - quiet), 0, 1)
    kept = float(np.exp(-1 / (_FALL * fps)))
    loudness: list[float] = []
    for now in scaled.tolist():
        loudness.append(max(now, kept * loudness[-1]) if loudness else now)
    return Sound(path, tuple(loudness))


class _Windows:
    """The mean power of each frame's samples."""

    def __init__(self, path: Path, fps: Fraction) -> None:
        self.powers: list[float] = []
        self._path = path
        self._fps = fps
        self._rest = np.zeros(0)
        self._used = 0

    def add(self, samples: NDArray[np.float64], rate: int) -> None:
        if not rate:
            raise BadInput(f"{self._path} has no samples a second", field="sound")
        if len(self.powers) > MOST_SECONDS * self._fps:
            raise BadInput(
                f"{self._path} is longer than {MOST_SECONDS // 3600} hours", field="sound"
            )
        self._rest = np.concatenate([self._rest, samples])
        while True:
            # Counted from the start, so that rounding does not move the later frames.
            end = round(Fraction(rate * (len(self.powers) + 1)) / self._fps) - self._used
            if end > len(self._rest):
                return
            self.powers.append(float(np.mean(np.square(self._rest[:end]))) if end else 0.0)
            self._rest, self._used = self._rest[end:], self._used + end


def _wav_blocks(path: Path) -> Iterator[tuple[NDArray[np.float64], int]] | None:
    """Samples of a wav of whole numbers, channels mixed, with their rate; None for other files."""
    try:
        file = wave.open(str(path), "rb")  # noqa: SIM115
    except (wave.Error, EOFError):
        return None
    except OSError as error:
        raise BadInput(
            f"cannot read the sound {path}: {error.strerror or error}",
            hint="Check the path",
            field="sound",
        ) from error
    return _read_wav(file)


def _read_wav(file: wave.Wave_read) -> Iterator[tuple[NDArray[np.float64], int]]:
    with file:
        width, channels = file.getsampwidth(), file.getnchannels()
        while data := file.readframes(_READ_AT_ONCE):
            data = data[: len(data) // (width * channels) * width * channels]  # a file cut short
            raw = np.frombuffer(data, np.uint8).reshape(-1, width)
            # As 32 bits, the most significant byte last; 8 bits are without a sign.
            wide = np.zeros((len(raw), 4), np.uint8)
            wide[:, 4 - width :] = raw ^ 0x80 if width == 1 else raw
            samples = wide.view("<i4")[:, 0] / 2.0**31
            yield samples.reshape(-1, channels).mean(axis=1), file.getframerate()


def _av_blocks(path: Path) -> Iterator[tuple[NDArray[np.float64], int]]:
    av = load_av("any sound but a plain wav", field="sound")
    source = open_sound(av, path)
    try:
        rate = source.streams.audio[0].rate
        mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in source.decode(audio=0):
            for block in mono.resample(frame):
                yield block.to_ndarray()[0].astype(np.float64), rate
    except av.error.FFmpegError as error:
        raise BadInput(
            f"cannot read the sound {path}: {error.strerror}", hint="Give a wav", field="sound"
        ) from error
    finally:
        source.close()
