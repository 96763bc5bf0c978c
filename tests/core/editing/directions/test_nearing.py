"""Latents whose picture comes near an embedding, on the toy world."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import c2l
from c2l.editing.directions import adhere, nearing
from c2l.editing.directions.measuring import Pictures, see
from c2l.editing.directions.nearing import come_near, nearness_of
from c2l.editing.directions.texts import moved_by, text_difference
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


class Drawn(ToyGenerator):
    """A generator without gradients, as in an ONNX file."""

    differentiable = False

    def synthesize(self, *arguments: object, **how: object) -> Tensor:
        with torch.no_grad():
            return super().synthesize(*arguments, **how)  # type: ignore[arg-type]


class Plain(ToyPrior):
    """A prior that cannot stay near latents."""

    supported_options = ToyPrior.supported_options - {"near"}


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior(guidance=64))


def pictures_in(pipeline: c2l.Pipeline, num: int) -> tuple[Pictures, Tensor]:
    """Pictures, and where their embeddings should be."""
    latents = pipeline.generator.sample_latents(range(num))
    latents = pipeline.generator.latent_space.expand(latents)
    here = Pictures(latents, see(pipeline, latents))
    return here, moved_by(here.seen, text_difference(pipeline, "shape1", "shape2"))


def test_pictures_come_nearer(pipeline: c2l.Pipeline) -> None:
    here, goal = pictures_in(pipeline, 5)
    there = come_near(pipeline, here, goal, 1.0, seed=0)
    assert bool((nearness_of(there, goal) > nearness_of(here, goal)).all())
    torch.testing.assert_close(there.seen, see(pipeline, there.latents), atol=1e-3, rtol=1e-3)


def test_a_picture_comes_out_alike_among_others(pipeline: c2l.Pipeline) -> None:
    here, goal = pictures_in(pipeline, 4)
    together = come_near(pipeline, here, goal, 1.0, seed=0)
    alone = come_near(pipeline, here.rows(torch.tensor([2])), goal[2:3], 1.0, seed=0)
    torch.testing.assert_close(alone.latents[0], together.latents[2], atol=1e-3, rtol=1e-3)


def test_the_gradient_leads_on(pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    here, goal = pictures_in(pipeline, 4)
    there = come_near(pipeline, here, goal, 1.0, seed=0)
    monkeypatch.setattr(nearing, "_STEPS", 0)
    answered = come_near(pipeline, here, goal, 1.0, seed=0)
    assert nearness_of(there, goal).mean() > nearness_of(answered, goal).mean()


@pytest.mark.parametrize("prior", [ToyPrior, Plain])
def test_nothing_but_answers_is_needed(prior: type[ToyPrior]) -> None:
    pipeline = c2l.Pipeline(Drawn(), ToyEmbedder(), prior(guidance=64))
    here, goal = pictures_in(pipeline, 3)
    there = come_near(pipeline, here, goal, 1.0, seed=0)
    assert bool((nearness_of(there, goal) >= nearness_of(here, goal)).all())


def test_within_inference_mode(pipeline: c2l.Pipeline) -> None:
    with torch.inference_mode():
        latents = pipeline.generator.latent_space.expand(pipeline.generator.sample_latents([1]))
        (found,) = adhere(pipeline, latents, "shape2")
    assert found.after >= found.before
