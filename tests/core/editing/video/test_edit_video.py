"""Edits as videos: the playhead goes along their frames."""

from __future__ import annotations

import os
import signal
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import c2l
from c2l.editing.video import VideoInterrupted
from c2l.errors import BadInput
from c2l.images import to_pil
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


@pytest.fixture(scope="module")
def stops(pipeline: c2l.Pipeline) -> Any:
    """A walk between two pictures of the generator's own, evenly along a straight line."""
    return pipeline.walk([3, 4], frames=5, path="linear", spacing="path")


def shown(path: Path) -> list[np.ndarray[Any, Any]]:
    with Image.open(path) as image:
        frames = []
        for k in range(image.n_frames):
            image.seek(k)
            image.load()
            frames.append(np.asarray(image.convert("RGB")).astype(int))
    return frames


def alike(a: np.ndarray[Any, Any], b: Any) -> bool:
    return bool(np.abs(a - np.asarray(b).astype(int)).mean() < 25)


def test_its_frames_are_those_of_the_walk(stops: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    video = stops.video(tmp_path / "a.gif", on_frame=lambda *n: told.append(n))
    found = shown(video.path)
    assert (len(found), video.fps) == (5, 30)
    assert all(alike(a, b) for a, b in zip(found, stops.draw().pil(), strict=True))
    assert told == [(k, 5) for k in range(1, 6)]


def test_there_and_back(stops: Any, tmp_path: Path) -> None:
    found = shown(stops.video(tmp_path / "a.gif", ping_pong=True).path)
    assert len(found) == 8
    assert all(np.array_equal(found[k], found[-k]) for k in range(1, 4))


def test_between_stops_the_latents_are_between(stops: Any, tmp_path: Path) -> None:
    found = shown(stops.video(tmp_path / "a.gif", easing="smooth").path)
    part = (1 - np.cos(np.pi / 4)) / 2
    first, last = (stops.pipeline.generator.sample_latents([seed]) for seed in (3, 4))
    eased = stops.pipeline.generator.synthesize(first.lerp(last, float(part)))
    assert alike(found[1], to_pil(eased[0]))
    assert alike(found[0], stops.draw().pil()[0])
    assert alike(found[4], stops.draw().pil()[4])


def test_a_sound_moves_it(stops: Any, tmp_path: Path) -> None:
    time = np.arange(8000) / 8000
    loud = np.where(time < 0.5, 0.0, 0.8) * np.sin(2 * np.pi * 400 * time)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((loud * 32767).astype("<i2").tobytes())
    found = shown(stops.video(tmp_path / "a.gif", fps=10, sound=tmp_path / "a.wav").path)
    assert len(found) == 10
    assert alike(found[1], stops.draw().pil()[0])
    assert alike(found[8], stops.draw().pil()[4])


def test_a_loop_leads_back_between_its_last_stop_and_its_first(
    pipeline: c2l.Pipeline, tmp_path: Path
) -> None:
    loop = pipeline.walk([3, 4, 5], frames=6, path="linear", spacing="path", loop=True)
    assert loop.video(tmp_path / "a.gif", easing="smooth").num_frames == 6
    with pytest.raises(BadInput, match="a loop needs no way back"):
        loop.video(tmp_path / "a.gif", ping_pong=True)


def test_ctrl_c(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 3:
            os.kill(os.getpid(), signal.SIGINT)

    walk = pipeline.walk([3, 4], frames=40, spacing="path")
    with pytest.raises(VideoInterrupted, match="the first 3 frames are in"):
        walk.video(tmp_path / "a.gif", on_frame=interrupt)
    assert len(shown(tmp_path / "a.gif")) == 3


def test_what_cannot_be_shown_is_said_before_anything_is_drawn(
    pipeline: c2l.Pipeline, tmp_path: Path
) -> None:
    walk = pipeline.walk([3, 4], frames=4)
    with pytest.raises(BadInput, match="names no kind of video"):
        walk.video(tmp_path / "a.mov")
    with pytest.raises(BadInput, match="cannot read the sound"):
        walk.video(tmp_path / "a.gif", sound=tmp_path / "none.wav")
    with pytest.raises(BadInput, match="a video needs two pictures or more"):
        pipeline.edit(3).video(tmp_path / "a.gif")
    assert "operations" not in vars(walk)
    assert not os.listdir(tmp_path)
