"""Walks: equal steps by what is seen, through the prior or straight, and what cannot be walked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l.budgets import Budget
from c2l.editing import Interpolate, RandomLatents, SampleLatents, Walk
from c2l.editing.evenly import Track, shared_out
from c2l.errors import BadInput
from c2l.testing import toy_pipeline

ENDS = ["a man with a beard", "a young blonde woman"]


@pytest.fixture(scope="module")
def faces() -> c2l.Pipeline:
    return c2l.load_pipeline("demo-faces")


def steps_of(walk: Walk) -> Tensor:
    """How much is seen to change from frame to frame."""
    seen = normalize(walk.draw().image_embeddings, dim=1)
    return seen.diff(dim=0).norm(dim=1)


def unevenness(walk: Walk) -> float:
    steps = steps_of(walk)
    return float(steps.max() / steps.median())


def test_frames_are_even_to_the_eye(faces: c2l.Pipeline) -> None:
    even = faces.walk(ENDS, frames=14, seeds=[1, 51])
    assert unevenness(even) < 1.5
    along = faces.walk(ENDS, frames=14, seeds=[1, 51], spacing="path")
    assert unevenness(along) > 2
    straight = faces.walk(ENDS, frames=14, seeds=[1, 51], spacing="path", path="linear")
    assert unevenness(straight) > 1.5


def num_blended(walk: Walk) -> float:
    """How many of the demo's codes, each 0 or 2, lie well between the two, in a frame."""
    codes = walk.draw().latents[:, 0, :41]
    return float((torch.minimum(codes.abs(), (2 - codes).abs()) > 0.3).float().sum(dim=1).mean())


def test_the_way_through_the_prior_hardly_blends(faces: c2l.Pipeline) -> None:
    """Where latents are codes, what lies straight between two is neither."""
    through, straight = (
        faces.walk(ENDS, frames=14, seeds=[1, 51], path=path) for path in ("prior", "linear")
    )
    assert num_blended(through) < num_blended(straight) / 3


@given(st.floats(0.05, 0.95), st.integers(3, 12))
def test_a_way_that_changes_at_one_place_is_paced_out_there(place: float, num: int) -> None:
    def look(places: Sequence[float]) -> Tensor:
        angles = torch.sigmoid((torch.tensor(places, dtype=torch.float64) - place) * 200)
        return torch.stack([angles.cos(), angles.sin()], dim=1)

    found = Track(look, 20).pace(num)
    assert len(found) == num and found == sorted(found) and found[0] == 0 and found[-1] == 1
    steps = look(found).diff(dim=0).norm(dim=1)
    assert float(steps.max()) < 1.2 * float(steps.median())


def test_a_jump_stays_a_jump_and_nothing_seen_is_walked_as_it_is() -> None:
    def jumping(places: Sequence[float]) -> Tensor:
        at = torch.tensor(places)
        return torch.stack([(at < 0.5).float() + at / 10, (at >= 0.5).float()], dim=1)

    found = Track(jumping, 8).pace(5)
    assert len(found) == 5 and found == sorted(found)
    still = Track(lambda places: torch.ones(len(places), 3), 8).pace(5)
    assert still == [0, 0.25, 0.5, 0.75, 1]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=6), st.integers(0, 40))
def test_steps_are_shared_out(lengths: list[float], more: int) -> None:
    num = len(lengths) + more
    steps = shared_out(lengths, num)
    assert sum(steps) == num and min(steps) >= 1
    if total := sum(lengths):
        assert all(
            s == 1 or s <= math.ceil(num * x / total) for s, x in zip(steps, lengths, strict=True)
        )


def test_every_end_is_a_frame_and_a_loop_does_not_repeat_its_first() -> None:
    pipeline = toy_pipeline()
    ends: list[Any] = ["shape1", 4, "shape2"]
    walk = pipeline.walk(ends, frames=9)
    start, middle, end = (SampleLatents(prompt=p, seed=0) for p in ("shape1", "x", "shape2"))
    assert walk.operations[0] == start and walk.operations[-1] == end
    assert RandomLatents(seed=4) in walk.operations and middle not in walk.operations
    loop = pipeline.walk(ends, frames=9, loop=True)
    assert len(loop.operations) == 9
    assert loop.operations[0] == start and loop.operations.count(start) == 1
    last = loop.operations[-1]
    assert isinstance(last, Interpolate) and last.end == start


def test_the_prior_is_walked_through_where_it_can(faces: c2l.Pipeline) -> None:
    assert faces.walk(ENDS, frames=3).ways[0][2] == "prior"
    assert faces.walk(["a man", 3], frames=3).ways[0][2] == "slerp"
    assert toy_pipeline().walk(["shape1", "shape2"], frames=3).ways[0][2] == "slerp"


def test_several_seeds_of_one_prompt() -> None:
    walk = toy_pipeline().walk("shape1", seeds="3-5", frames=4)
    assert [way[0].seed for way in walk.ways] == [3, 4]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("ends", "how", "told", "field"),
    [
        (["shape1"], {}, "needs two ends or more", "ends"),
        ([], {}, "needs two ends or more", "ends"),
        (["shape1", "shape2"], {"frames": 0}, "`frames=0` is less than the 2 ends need", "frames"),
        (["shape1", "shape2", 3], {"frames": 2}, "the 3 ends", "frames"),
        (["shape1", "shape2"], {"path": "round"}, "not one of linear, slerp, prior", "path"),
        (["shape1", "shape2"], {"path": "prior"}, "no way through the prior: a toy prior", "path"),
        (["shape1", "shape2"], {"spacing": "odd"}, "not one of seen, path", "spacing"),
        (["shape1", "shape2"], {"seeds": [1, 2, 3]}, "2 ends cannot have 3 seeds", "seeds"),
        (["shape1", ""], {}, "prompt is empty", "prompts"),
        (["shape1", -1], {}, "seed -1", "seeds"),
        (["shape1", 1.5], {}, "cannot be edited", "ends"),
        (["shape1", "shape2"], {"guidance": -1}, "guidance", "guidance"),
    ],
)
def test_what_cannot_be_walked(ends: list[Any], how: dict[str, Any], told: str, field: str) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        toy_pipeline().walk(ends, **how)
    assert caught.value.field == field


def test_two_samples_that_differ_in_more_than_prompt_and_seed(faces: c2l.Pipeline) -> None:
    ends = [SampleLatents(prompt="a man", seed=1), SampleLatents(prompt="a man", seed=2, steps=3)]
    with pytest.raises(BadInput, match="its ends differ in `steps`"):
        faces.walk(ends, path="prior")


def test_few_frames_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with their number."""
    pipeline = toy_pipeline()
    height, width = pipeline.generator.image_size
    few = Budget(gpu=3 * height * width, cpu=3 * height * width)
    monkeypatch.setattr("c2l.editing.drawing.FRAMES", few)
    monkeypatch.setattr("c2l.editing.walk.FRAMES", few)
    drawn: list[int] = []
    synthesize = pipeline.generator.synthesize

    def counting(latents: Tensor, **how: Any) -> Tensor:
        drawn.append(len(latents))
        return synthesize(latents, **how)

    monkeypatch.setattr(pipeline.generator, "synthesize", counting)
    assert len(list(pipeline.walk([1, 2], frames=10))) == 10
    assert sum(drawn) > 20 and max(drawn) == 3
