"""Operations on latents: carried out, recorded, and drawn again from their record."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.editing import latents_of
from c2l.errors import BadInput
from c2l.sampling.operations import GivenLatents
from c2l.sampling.record import request_of
from c2l.sampling.request import DrawRequest
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior

LAYERS = 5
SAMPLE = {"op": "sample", "prompt": "shape1", "seed": 3}
OTHER = {"op": "random", "seed": 2**40}


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


def latents(pipeline: c2l.Pipeline, operation: dict[str, Any]) -> torch.Tensor:
    request = DrawRequest(latents=operation)
    assert request.latents is not None
    return latents_of(pipeline, request.latents)


def drawn(pipeline: c2l.Pipeline, request: DrawRequest) -> c2l.Picture:
    assert request.latents is not None
    prompt = request.prompts[0] if request.prompts else None
    ((picture,),) = pipeline.draw_operations(
        [request.latents], truncation=request.truncation, prompt=prompt
    )
    return picture


def test_a_sample_is_what_the_pipeline_draws(pipeline: c2l.Pipeline) -> None:
    drawn = pipeline("shape1", seed=3)
    found = latents(pipeline, SAMPLE)
    torch.testing.assert_close(found, drawn.latents.expand(-1, LAYERS, -1))


def test_random_latents_are_the_generators_own(pipeline: c2l.Pipeline) -> None:
    own = pipeline.generator.sample_latents([2**40])
    torch.testing.assert_close(latents(pipeline, OTHER), own.expand(-1, LAYERS, -1))


def test_given_latents_come_back_to_the_bit(pipeline: c2l.Pipeline) -> None:
    own = pipeline.generator.sample_latents([4])[0]
    assert torch.equal(GivenLatents.of(own).tensor(), own)
    given_ = GivenLatents.of(own).model_dump(mode="json")
    torch.testing.assert_close(latents(pipeline, given_), own[None].expand(-1, LAYERS, -1))


@pytest.mark.parametrize("path", ["linear", "slerp"])
def test_interpolation_ends_where_it_should(pipeline: c2l.Pipeline, path: str) -> None:
    walk = {"op": "interpolate", "start": SAMPLE, "end": OTHER, "path": path}
    start, end = latents(pipeline, SAMPLE), latents(pipeline, OTHER)
    torch.testing.assert_close(latents(pipeline, {**walk, "at": 0}), start, atol=1e-5, rtol=0)
    torch.testing.assert_close(latents(pipeline, {**walk, "at": 1}), end, atol=1e-5, rtol=0)


@given(st.floats(0, 1))
def test_the_arc_keeps_lengths_between(at: float) -> None:
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())
    one, other = ({"op": "random", "seed": s} for s in (1, 2))
    walk = {"op": "interpolate", "start": one, "end": other, "path": "slerp", "at": at}
    lengths = [latents(pipeline, o).norm(dim=2) for o in (one, other)]
    found = latents(pipeline, walk).norm(dim=2)
    torch.testing.assert_close(found, torch.lerp(*lengths, at), atol=1e-4, rtol=1e-4)


def test_mixing_takes_layers(pipeline: c2l.Pipeline) -> None:
    mixed = latents(pipeline, {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [0, 3]})
    base, other = latents(pipeline, SAMPLE), latents(pipeline, OTHER)
    torch.testing.assert_close(mixed[:, [0, 3]], other[:, [0, 3]])
    torch.testing.assert_close(mixed[:, [1, 2, 4]], base[:, [1, 2, 4]])
    half = latents(
        pipeline, {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [2], "share": 0.5}
    )
    torch.testing.assert_close(half[:, 2], (base[:, 2] + other[:, 2]) / 2)
    with pytest.raises(BadInput, match="layer 5 is not one of the 5 layers"):
        latents(pipeline, {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [5]})


def test_a_direction_and_its_opposite(pipeline: c2l.Pipeline) -> None:
    move = {"op": "direction", "base": SAMPLE, "start": "shape1", "end": "shape2", "num_seeds": 4}
    there = {**move, "strength": 1.5}
    back = {**move, "base": there, "strength": -1.5}
    base = latents(pipeline, SAMPLE)
    assert not torch.allclose(latents(pipeline, there), base)
    torch.testing.assert_close(latents(pipeline, back), base, atol=1e-5, rtol=0)


@pytest.mark.parametrize("prompt", [None, "shape1"])
def test_an_operation_is_drawn_again_from_its_record(
    pipeline: c2l.Pipeline, prompt: str | None
) -> None:
    walk = {"op": "interpolate", "start": SAMPLE, "end": OTHER, "at": 0.3}
    tree = {"op": "mix", "base": walk, "other": OTHER, "layers": [1]}
    asked: dict[str, Any] = {"latents": tree, "truncation": 0.8}
    request = DrawRequest(**asked, **({"prompt": prompt} if prompt else {}))
    picture = drawn(pipeline, request)
    again = drawn(pipeline, request_of(picture.record, "x.png"))
    assert torch.equal(again.image, picture.image)
    assert again.record == picture.record
    assert ("score" in picture.record) == (prompt is not None)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "given", "shape": [1, 3], "data": "AAAA"},
        {"op": "given", "shape": [0, 3], "data": ""},
        {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [-1]},
        {"op": "interpolate", "start": SAMPLE, "end": OTHER, "at": float("nan")},
        {"op": "direction", "base": SAMPLE, "start": "", "end": "b"},
        {"op": "sample", "prompt": "shape1"},
    ],
)
def test_operations_that_make_no_sense(operation: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        DrawRequest(latents=operation)


def test_operations_are_not_nested_without_end() -> None:
    tree: dict[str, Any] = dict(OTHER)
    for _ in range(2000):
        tree = {"op": "interpolate", "start": tree, "end": OTHER, "at": 0.5}
    with pytest.raises(BadInput, match="32 operations"):
        DrawRequest(latents=tree)
