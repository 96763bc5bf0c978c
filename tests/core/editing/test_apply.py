"""Operations on latents: carried out, recorded, and drawn again from their record."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.editing import latents_of, mixed
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
    some = {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [2, 4], "share": [0.5, 1]}
    half = latents(pipeline, some)
    torch.testing.assert_close(half[:, 2], (base[:, 2] + other[:, 2]) / 2)
    assert torch.equal(half[:, 4], other[:, 4])
    with pytest.raises(BadInput, match="layer 5 is not one of the 5 layers"):
        latents(pipeline, {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [5]})


def test_a_direction_and_its_opposite(pipeline: c2l.Pipeline) -> None:
    along = GivenLatents.of(torch.randn(1, pipeline.generator.latent_space.width))
    there = {"op": "direction", "base": SAMPLE, "along": along.model_dump(), "strength": 1.5}
    back = {**there, "base": there, "strength": -1.5}
    base = latents(pipeline, SAMPLE)
    moved = latents(pipeline, there)
    torch.testing.assert_close(moved, base + 1.5 * along.tensor()[None])
    torch.testing.assert_close(latents(pipeline, back), base, atol=1e-5, rtol=0)


VARIED = {"op": "vary", "base": SAMPLE, "seed": 8}
MANY: list[dict[str, Any]] = [
    OTHER,
    {"op": "interpolate", "start": SAMPLE, "end": OTHER, "at": 0.3, "path": "slerp"},
    SAMPLE,
    {**VARIED, "amount": 0.5},
    {"op": "mix", "base": {**VARIED, "amount": 0.2}, "other": SAMPLE, "layers": [1]},
    {"op": "interpolate", "start": OTHER, "end": SAMPLE, "at": 0.6},
    {"op": "sample", "prompt": {"shape1": 1, "mood2": 0.5}, "seed": 3, "steps": 1},
    {"op": "direction", "base": OTHER, "along": GivenLatents.of(torch.ones(1, 22)).model_dump()},
]


def test_a_batch_is_what_each_is_alone(pipeline: c2l.Pipeline) -> None:
    operations = [DrawRequest(latents=o).latents for o in MANY]
    together = latents_of(pipeline, *operations)  # type: ignore[arg-type]
    alone = torch.cat([latents(pipeline, o) for o in MANY])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_what_operations_share_is_computed_once_and_together(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    sample = ToyPrior._sample

    def counted(prior: Any, embeddings: torch.Tensor, options: c2l.SampleOptions) -> torch.Tensor:
        asked.append(list(options.seeds))
        return sample(prior, embeddings, options)

    monkeypatch.setattr(ToyPrior, "_sample", counted)
    ends = [{"op": "sample", "prompt": "shape1", "seed": seed} for seed in (1, 2, 3)]
    walks = [
        {"op": "interpolate", "start": start, "end": end, "at": at / 10}
        for start, end in itertools.pairwise(ends)
        for at in range(10)
    ]
    latents_of(pipeline, *(DrawRequest(latents=walk).latents for walk in walks))  # type: ignore[arg-type]
    assert asked == [[1, 2, 3]]


def test_gradients_pass_through_a_mix(pipeline: c2l.Pipeline) -> None:
    base, other = (torch.ones(2, LAYERS, 22, requires_grad=True) for _ in range(2))
    mixed(pipeline.generator, base, other, (1, 3), (0.25, 1)).sum().backward()  # type: ignore[no-untyped-call]
    assert base.grad is not None and other.grad is not None
    assert other.grad[0, :, 0].tolist() == [0, 0.25, 0, 1, 0]
    assert base.grad[0, :, 0].tolist() == [1, 0.75, 1, 0, 1]


def test_a_variation_goes_from_the_same_to_a_fresh_sample(pipeline: c2l.Pipeline) -> None:
    fresh = latents(pipeline, {**SAMPLE, "seed": 8})
    base = latents(pipeline, SAMPLE)
    assert torch.equal(latents(pipeline, {**VARIED, "amount": 0}), base)
    torch.testing.assert_close(latents(pipeline, {**VARIED, "amount": 1}), fresh)
    # This prior cannot stay near latents, so the way there is straight.
    halfway = latents(pipeline, {**VARIED, "amount": 0.5})
    torch.testing.assert_close(halfway, (base + fresh) / 2)


def test_a_variation_of_what_has_no_prompt_is_sampled_for_what_it_shows(
    pipeline: c2l.Pipeline,
) -> None:
    mix = {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [0, 1, 2]}
    varied = {"op": "vary", "base": mix, "seed": 8}
    shown = pipeline.embedder.embed_images(pipeline.generator.synthesize(latents(pipeline, mix)))
    fresh = pipeline.prior.sample(shown, seeds=[8], modality="image")
    wanted = fresh.expand(-1, LAYERS, -1)
    torch.testing.assert_close(latents(pipeline, {**varied, "amount": 1}), wanted)
    # The layers keep apart what the prior, which knows one code, would make one.
    torch.testing.assert_close(
        latents(pipeline, {**varied, "amount": 0}), latents(pipeline, mix), atol=1e-6, rtol=0
    )


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
        {"op": "direction", "base": SAMPLE, "along": SAMPLE},
        {"op": "sample", "prompt": "shape1"},
        {"op": "mix", "base": SAMPLE, "other": OTHER, "layers": [0, 1], "share": [1]},
        {"op": "vary", "base": SAMPLE, "seed": 0, "amount": 1.5},
        {"op": "interpolate", "start": SAMPLE, "end": OTHER, "at": 0.5, "path": "prior"},
        {"op": "interpolate", "start": SAMPLE, "end": SAMPLE, "at": 1.5, "path": "prior"},
        {
            "op": "interpolate",
            "start": SAMPLE,
            "end": {**SAMPLE, "steps": 3},
            "at": 0.5,
            "path": "prior",
        },
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
