"""Videos have the frames they were given, and play whatever stopped them."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tracemalloc
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from c2l.editing.video import VideoInterrupted, encoded, roomy_file, write_video
from c2l.editing.video.frames import as_pictures
from c2l.errors import BadInput, MissingDependency, NotWritable

av = pytest.importorskip("av")
FORMATS = ["mp4", "webm", "webp", "gif"]


def frames(num: int, height: int = 31, width: int = 47) -> Iterator[torch.Tensor]:
    """Bars of colour that move by a pixel a frame."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for k in range(num):
        yield torch.stack([torch.sin((x + k) / 7), torch.cos((y + k) / 7), (x - y) / width])


def shown(path: Path) -> tuple[list[np.ndarray[Any, Any]], float]:
    """The frames of a video, and its seconds."""
    if path.suffix in (".mp4", ".webm"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            found = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            return found, float(len(found) / stream.average_rate)
    found, milliseconds = [], 0.0
    with Image.open(path) as image:
        for k in range(image.n_frames):
            image.seek(k)
            image.load()
            found.append(np.asarray(image.convert("RGB")))
            milliseconds += image.info["duration"]
    return found, milliseconds / 1000


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_was_given_is_shown(suffix: str, tmp_path: Path) -> None:
    video = write_video(tmp_path / "new" / f"a.{suffix}", frames(24), fps=12.5)
    found, seconds = shown(video.path)
    assert (video.num_frames, video.seconds) == (24, 1.92)
    assert (len(found), seconds) == (24, pytest.approx(1.92, abs=0.01))
    for got, wanted in zip(found, as_pictures(frames(24)), strict=True):
        difference = got[:31, :47].astype(float) - np.asarray(wanted)
        assert np.abs(difference).mean() < 13
        assert np.abs(difference.mean(axis=(0, 1))).max() < 4  # the colours are right
    assert os.listdir(video.path.parent) == [video.path.name]


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_encoders_get_even_sizes(suffix: str, tmp_path: Path) -> None:
    found, _ = shown(write_video(tmp_path / f"a.{suffix}", frames(2)).path)
    assert found[0].shape == (32, 48, 3)
    assert np.abs(found[0][:, 47].astype(int) - found[0][:, 46]).mean() < 6


def test_batches_and_pictures_are_frames(tmp_path: Path) -> None:
    pictures = list(as_pictures(frames(3)))
    mixed: list[Any] = [torch.stack(list(frames(3))), *pictures]
    assert write_video(tmp_path / "a.webp", mixed).num_frames == 6


@pytest.mark.parametrize("suffix", FORMATS)
def test_after_ctrl_c_the_rest_plays(suffix: str, tmp_path: Path) -> None:
    def interrupted() -> Iterator[torch.Tensor]:
        for k, frame in enumerate(frames(40)):
            if k == 5:
                os.kill(os.getpid(), signal.SIGINT)
            yield frame

    with pytest.raises(VideoInterrupted, match=r"the first 6 frames are in .*, which plays") as e:
        write_video(tmp_path / f"a.{suffix}", interrupted())
    assert e.value.video is not None
    assert len(shown(e.value.video.path)[0]) == 6


class FullDisk:
    """A file on a disk of so many bytes, from which the room has to be given up."""

    def __init__(self, file: Any, capacity: int, room: Path) -> None:
        self.file, self.capacity, self.room = file, capacity, room

    def write(self, data: bytes) -> int:
        place = self.file.tell()
        free = self.capacity - (self.room.stat().st_size if self.room.exists() else 0) - place
        if free <= 0 < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self.file.write(data[:free]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("suffix", FORMATS)
def test_on_a_full_disk_the_rest_plays(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = roomy_file.RoomyFile.__init__

    def on_a_full_disk(self: Any, path: Path, *, room: int) -> None:
        start(self, path, room=room)
        self._file = FullDisk(self._file, room + 40_000, self._room)

    monkeypatch.setattr(roomy_file.RoomyFile, "__init__", on_a_full_disk)
    noise = torch.Generator().manual_seed(0)
    drawn = (torch.rand(3, 32, 32, generator=noise) * 2 - 1 for _ in range(400))
    with pytest.raises(NotWritable, match="the disk is full") as found:
        write_video(tmp_path / f"a.{suffix}", drawn)
    num = len(shown(tmp_path / f"a.{suffix}")[0])
    assert 3 < num < 400
    assert f"the first {num} frames are in {tmp_path / f'a.{suffix}'}" in found.value.message
    assert os.listdir(tmp_path) == [f"a.{suffix}"]


def test_a_disk_without_any_room_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWritable, match=r"cannot write .*: No space left on device"):
        write_video(tmp_path / "a.gif", frames(3))
    assert not os.listdir(tmp_path)


def test_memory_does_not_grow_with_the_frames(tmp_path: Path) -> None:
    def peak(num: int) -> int:
        tracemalloc.start()
        write_video(tmp_path / "a.gif", frames(num, 64, 64))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(60) < 1.2 * peak(10)


@pytest.mark.parametrize(
    ("name", "fps", "message"),
    [
        ("a.avi", 30, "a.avi names no kind of video"),
        ("a", 30, "a names no kind of video"),
        ("a.gif", 60, "a GIF cannot show 60 frames a second"),
        ("a.mp4", 0, "`fps=0` is not from 0.01"),
        ("a.mp4", float("nan"), "`fps=nan` is not from 0.01"),
        ("a.mp4", 1000, "`fps=1000` is not from 0.01 to 240"),
        ("a.webp", 1e-5, "`fps=1e-05` is not from 0.01 to 240"),
    ],
)
def test_what_cannot_be_written(name: str, fps: float, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        write_video(tmp_path / name, frames(3), fps=fps)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "there are no frames"),
        ([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)], "a frame is 9 x 8 px and the first one 8"),
        ([torch.zeros(8, 8)], r"a tensor of shape \(8, 8\) is not a frame"),
        (["a.png"], "a str is not a frame"),
    ],
)
def test_what_is_no_frame(given: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        write_video(tmp_path / "a.webp", given)
    assert not os.listdir(tmp_path)


def test_without_pyav_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependency, match=r"pip install 'c2l\[video\]'"):
        write_video(tmp_path / "a.mp4", frames(2))
    assert write_video(tmp_path / "a.webp", frames(2)).num_frames == 2


def test_an_encoder_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = encoded.Container("mp4", {"libnone": {}}, ("aac", 44_100), "H.264")
    monkeypatch.setitem(encoded.MP4.__dict__, "video", bare.video)
    with pytest.raises(MissingDependency, match=r"no encoder for H.264, as a .mp4 needs"):
        write_video(tmp_path / "a.mp4", frames(2))


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_a_sound_is_as_long_as_its_video(suffix: str, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        tone = 9000 * np.sin(np.arange(8000 * 5) / 3)
        file.writeframes(tone.astype("<i2").tobytes())
    video = write_video(tmp_path / f"a.{suffix}", frames(20), fps=10, sound=tmp_path / "a.wav")
    with av.open(str(video.path)) as container:
        rate = container.streams.audio[0].rate
        samples = [frame.to_ndarray() for frame in container.decode(audio=0)]
    assert sum(s.shape[1] for s in samples) / rate == pytest.approx(2, abs=0.1)
    assert max(np.abs(s).max() for s in samples) == pytest.approx(0.2, abs=0.1)
    assert video.fps == Fraction(10)


def test_a_sound_needs_a_format_with_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a .gif has no sound"):
        write_video(tmp_path / "a.gif", frames(2), sound=tmp_path / "a.wav")
    (tmp_path / "text.mp3").write_text("no sound")
    with pytest.raises(BadInput, match="cannot read the sound"):
        write_video(tmp_path / "a.mp4", frames(2), sound=tmp_path / "text.mp3")
    assert os.listdir(tmp_path) == ["text.mp3"]
