"""The live picture: no jump on the way, and the picture that was asked for at its end."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.service import LivePicture, LiveValues, Notice, Session, open_live, typed_live
from c2l.service.live.glide import Glide

SMILE = "smile=a sad face -> a smiling face"


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.load_pipeline(device="cpu")


@pytest.fixture(scope="module")
def smile(pipeline: c2l.Pipeline) -> c2l.Direction:
    return pipeline.direction("a sad face", "a smiling face", num=8)


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def picture(pipeline: c2l.Pipeline, smile: c2l.Direction, notices: list[Notice]) -> LivePicture:
    return LivePicture(pipeline, {"smile": smile}, notices.append)


def seen(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)), dtype=float)


def differ(jpeg: bytes, other: bytes | c2l.Picture) -> float:
    """The mean difference of two pictures, of 255."""
    if not isinstance(other, bytes):
        file = io.BytesIO()
        other.pil().save(file, "JPEG", quality=90, subsampling=0)
        other = file.getvalue()
    return float(np.abs(seen(jpeg) - seen(other)).mean())


def shown(picture: LivePicture, values: LiveValues, seconds: float = 60.0) -> bytes:
    picture.move(values, seconds)
    return picture.draw()


@pytest.mark.parametrize("frames", [1, 7, 300])
def test_a_glide_goes_99_hundredths_of_its_way_in_its_time(frames: int) -> None:
    glide = Glide(torch.zeros(2), torch.ones(2))
    ways = []
    for _ in range(frames):
        glide.move(torch.tensor([1.0, -3.0]), 2.0 / frames, glide=2.0)
        ways.append(glide.at.clone())
    assert torch.allclose(ways[-1], torch.tensor([0.99, -2.97]), atol=2e-3)
    along = torch.stack(ways)[:, 0]
    assert bool((along.diff() > 0).all()) and float(along.max()) < 1


def test_a_glide_to_a_moving_target_neither_stops_nor_jumps() -> None:
    glide = Glide(torch.zeros(1), torch.ones(1))
    steps, before = [], 0.0
    for message in range(1, 401):  # for two seconds
        glide.move(torch.tensor([message / 200]), 1 / 200, glide=0.5)
        steps.append(float(glide.at) - before)
        before = float(glide.at)
    assert 1.8 < before < 2
    assert max(abs(a - b) for a, b in itertools.pairwise(steps)) < 2e-4


def test_a_glide_of_no_time_is_there() -> None:
    glide = Glide(torch.zeros(1), torch.ones(1))
    assert not glide.move(torch.ones(1), 0.01, glide=1.0)
    assert glide.move(torch.ones(1), 0.01, glide=0.0) and float(glide.at) == 1
    assert glide.move(torch.ones(1), 0.01, glide=1.0)  # its speed is gone as well


def test_the_end_of_a_glide_is_the_picture_that_c2l_sample_draws(
    picture: LivePicture, pipeline: c2l.Pipeline
) -> None:
    man, woman = pipeline("a man", seeds=[3])[0], pipeline("a woman", seeds=[7])[0]
    first = LiveValues(prompt="a man", seed=3, glide=0.5)
    assert differ(shown(picture, first), man) < 1
    other = first.changed("prompt", "a woman").changed("seed", 7)
    assert not picture.move(other, 0.1)
    between = picture.draw()
    assert differ(between, man) > 2 and differ(between, woman) > 2
    moves = 0
    while not picture.move(other, 0.1):
        moves += 1
    assert 3 < moves < 15
    assert differ(picture.draw(), woman) < 1
    guided = pipeline("a woman", seeds=[7], guidance=4, truncation=0.5)[0]
    asked = other.changed("guidance", 4).changed("truncation", 0.5)
    assert differ(shown(picture, asked), guided) < 1


def test_a_direction_is_turned_by_its_strength(
    picture: LivePicture, pipeline: c2l.Pipeline, smile: c2l.Direction
) -> None:
    man = pipeline("a sad man", seeds=[3])[0]
    moved = next(iter(pipeline.edit(man).move(smile, 1.0)))
    values = LiveValues(prompt="a sad man", seed=3, directions={"smile": 0.0})
    assert differ(shown(picture, values), man) < 1
    assert differ(shown(picture, values.turned("smile", 1)), moved) < 1
    assert differ(picture.draw(), man) > 2


def test_between_two_seeds_there_is_a_way(picture: LivePicture) -> None:
    values = LiveValues(prompt="a man", seed=3, glide=0)
    three, four = shown(picture, values), shown(picture, values.changed("seed", 4))
    near = shown(picture, values.changed("seed", 3.02))
    half = shown(picture, values.changed("seed", 3.5))
    assert differ(near, three) < differ(half, three) < differ(four, three)


def test_a_walk_goes_on_from_its_seed_both_ways(picture: LivePicture) -> None:
    values = LiveValues(prompt="a man", seed=1, glide=0)
    pictures = {seed: shown(picture, values.changed("seed", seed)) for seed in (2**64 - 1, 0, 1, 2)}
    walking = LiveValues(prompt="a man", seed=1, glide=0, walk=0.5, cues=9)
    assert not picture.move(walking, 0.0)  # a walk never rests
    picture.move(walking, 2.0)
    assert picture.draw() == pictures[2]
    picture.move(walking.changed("walk", -1.0), 2.0)
    assert picture.draw() == pictures[0]
    picture.move(walking.changed("walk", -1.0), 1.0)
    assert picture.draw() == pictures[2**64 - 1]
    cued = walking.changed("seed", 1)
    picture.move(cued, 0.0)
    assert picture.draw() == pictures[1]


def test_without_a_prompt_the_generator_draws_its_own(
    picture: LivePicture, pipeline: c2l.Pipeline
) -> None:
    own = next(iter(pipeline.edit(5)))
    assert differ(shown(picture, LiveValues(seed=5)), own) < 1


def test_half_of_the_way_is_not_shorter_than_its_ends(
    picture: LivePicture, monkeypatch: pytest.MonkeyPatch, pipeline: c2l.Pipeline
) -> None:
    drawn: list[torch.Tensor] = []
    real = pipeline.generator.synthesize

    def synthesize(latents: torch.Tensor, **how: Any) -> torch.Tensor:
        drawn.append(latents[0])
        return real(latents, **how)

    monkeypatch.setattr(pipeline.generator, "synthesize", synthesize)
    values = LiveValues(seed=5, glide=1)
    shown(picture, values)
    other = values.changed("seed", 6)
    for _ in range(20):
        shown(picture, other, 0.05)
    shown(picture, other)
    start, end = drawn[0].norm(dim=-1), drawn[-1].norm(dim=-1)
    shortest = torch.minimum(start, end) * 0.99
    assert all(bool((latents.norm(dim=-1) >= shortest).all()) for latents in drawn)


def test_what_a_prompt_is_drawn_without_is_told_once(
    picture: LivePicture, notices: list[Notice]
) -> None:
    values = LiveValues(prompt="a zyxtq man", glide=0)
    for _ in range(3):
        picture.move(values, 0.1)
    assert [n.kind for n in notices] == ["words"] and "zyxtq" in notices[0].text


def test_memory_does_not_grow_with_seeds(picture: LivePicture) -> None:
    for seed in range(40):
        picture.move(LiveValues(prompt="a man", seed=seed, cues=seed), 0.1)
    assert len(picture._known) <= 16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 2**64),
        ("seed", float("nan")),
        ("guidance", 101),
        ("truncation", 2.5),
        ("glide", -0.1),
        ("glide", float("inf")),
        ("walk", 11),
        ("prompt", "  "),
        ("prompt", "a" * 2001),
        ("prompt", {"a man": -1}),
    ],
)
def test_a_value_out_of_range_changes_nothing(name: str, value: object) -> None:
    values = LiveValues(prompt="a man")
    with pytest.raises(BadInput) as caught:
        values.changed(name, value)
    assert caught.value.field == name and caught.value.hint


def test_values_as_they_are_typed() -> None:
    values = typed_live("a man", seed=4, walk=None, directions=[SMILE, "age=age.safetensors"])
    assert values.prompt == {"a man": 1.0} and values.seed == 4 and values.walk == 0
    assert values.directions == {"smile": 0.0, "age": 0.0}
    assert typed_live().prompt is None
    for wrong in ("smile", "=a -> b", "a smile=a -> b", "smile= "):
        with pytest.raises(BadInput, match="is not a named direction"):
            typed_live(directions=[wrong])
    with pytest.raises(BadInput, match="two directions are called 'smile'"):
        typed_live(directions=[SMILE, SMILE])


def test_directions_are_made_or_read_when_it_opens(
    smile: c2l.Direction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = smile.save(tmp_path / "smile.safetensors")
    session = Session()
    picture = open_live(session, directions=[f"file={file}"], device="cpu")
    base = typed_live("a sad man", seed=3, glide=0, directions=[f"file={file}"])
    assert shown(picture, base) != shown(picture, base.turned("file", 1))
    with pytest.raises(BadWeights):
        open_live(session, directions=[f"none={tmp_path / 'none.safetensors'}"], device="cpu")
    with pytest.raises(BadInput):
        open_live(session, directions=["nothing=a man -> a man"], device="cpu")


@pytest.mark.parametrize("prompt", ["a man", None])
def test_a_class_is_heeded(picture: LivePicture, prompt: str | None) -> None:
    values = LiveValues(prompt=prompt, glide=0)
    picture.move(values, 0.1)
    with pytest.raises(BadInput, match="stylegan:demo-faces has no classes"):
        picture.move(values.changed("class_label", 3), 0.1)


def test_a_class_that_there_is_not_is_refused_when_it_opens() -> None:
    with pytest.raises(BadInput, match="stylegan:demo-faces has no classes"):
        open_live(Session(), class_label="a cat", device="cpu")
