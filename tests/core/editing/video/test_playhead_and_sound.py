"""Where the playhead is at each frame, by itself or moved by a sound."""

from __future__ import annotations

import itertools
import math
import struct
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from c2l.editing.video import places, read_sound
from c2l.errors import BadInput


def test_without_more_every_stop_is_a_frame() -> None:
    assert places(5) == [0, 1, 2, 3, 4]
    assert places(1) == [0]
    assert places(3, loop=True) == [0, 1, 2]


def test_there_and_back_shows_no_end_twice() -> None:
    assert places(4, ping_pong=True) == [0, 1, 2, 3, 2, 1]
    assert places(2, ping_pong=True) == [0, 1]


@pytest.mark.parametrize("easing", ["smooth", "in", "out"])
def test_easing_keeps_the_ends_and_the_order(easing: str) -> None:
    eased = places(9, easing=easing)  # type: ignore[arg-type]
    assert (eased[0], eased[-1]) == (0, pytest.approx(8))
    assert all(a < b for a, b in itertools.pairwise(eased))
    steps = [b - a for a, b in itertools.pairwise(eased)]
    assert (steps[0] < 0.7) == (easing in ("smooth", "in"))
    assert (steps[-1] < 0.7) == (easing in ("smooth", "out"))


def test_an_eased_loop_ends_before_its_first_frame() -> None:
    eased = places(8, easing="smooth", loop=True)
    assert eased[0] == 0
    assert 7 < eased[-1] < 8


def test_loudness_moves_the_playhead() -> None:
    assert places(11, loudness=[0, 0.5, 1]) == [0, 5, 10]


def test_what_excludes_each_other() -> None:
    with pytest.raises(BadInput, match="a loop needs no way back"):
        places(3, loop=True, ping_pong=True)
    with pytest.raises(BadInput, match="goes back and forth by itself"):
        places(3, ping_pong=True, loudness=[0.0])
    with pytest.raises(BadInput, match="`easing=bounce` is not one of linear, smooth, in, out"):
        places(3, easing="bounce")  # type: ignore[arg-type]


def beats(path: Path, width: int, channels: int = 1, rate: int = 8000) -> Path:
    """Two seconds of silence, with a loud tenth of a second at 0.5 and a softer one at 1.5."""
    time = np.arange(2 * rate) / rate
    loud = np.where(abs(time - 0.55) < 0.05, 0.9, np.where(abs(time - 1.55) < 0.05, 0.45, 0.0))
    tone = np.repeat((loud * np.sin(2 * math.pi * 440 * time))[:, None], channels, axis=1)
    whole = np.round(tone * (2 ** (8 * width - 1) - 1)).astype(np.int64).reshape(-1)
    if width == 1:
        data = (whole + 128).astype(np.uint8).tobytes()
    else:
        data = b"".join(struct.pack("<q", int(n))[:width] for n in whole)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(data)
    return path


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_plain_wav_is_heard(width: int, channels: int, tmp_path: Path) -> None:
    sound = read_sound(beats(tmp_path / "a.wav", width, channels), Fraction(20))
    assert len(sound.loudness) == 40
    assert (min(sound.loudness), max(sound.loudness)) == (0, 1)
    assert max(range(40), key=sound.loudness.__getitem__) in (10, 11)
    assert 0.35 < max(sound.loudness[25:]) < 0.65
    assert 0 < sound.loudness[14] < 1  # it fades


def test_frames_stay_in_time_at_odd_rates(tmp_path: Path) -> None:
    path = beats(tmp_path / "a.wav", 2, rate=11_025)
    assert len(read_sound(path, Fraction(30_000, 1001)).loudness) == 59
    assert len(read_sound(path, Fraction(7)).loudness) == 14


def test_silence_moves_nothing(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    assert set(read_sound(tmp_path / "a.wav", Fraction(10)).loudness) == {0}


def test_an_mp3_is_heard_as_its_wav(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    wav = beats(tmp_path / "a.wav", 2, rate=44_100)
    with av.open(str(wav)) as source, av.open(str(tmp_path / "a.mp3"), "w") as out:
        stream = out.add_stream("libmp3lame", rate=44_100)
        for frame in source.decode(audio=0):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    one = read_sound(wav, Fraction(20)).loudness
    other = read_sound(tmp_path / "a.mp3", Fraction(20)).loudness
    assert abs(len(one) - len(other)) <= 2
    assert np.corrcoef(one, other[: len(one)])[0, 1] > 0.8


@pytest.mark.parametrize("name", ["missing.wav", "text.wav", "empty.wav", "short.wav"])
def test_what_is_no_sound_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "empty.wav").touch()
    with wave.open(str(tmp_path / "short.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0")
    with pytest.raises(BadInput, match=name) as error:
        read_sound(tmp_path / name, Fraction(20))
    assert error.value.field == "sound"
