"""Latents whose picture comes near a goal, and what a goal is, on the toy world."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l.editing.directions import adhere, nearing
from c2l.editing.directions.goal import Goal
from c2l.editing.directions.measuring import Pictures, look, look_at, see
from c2l.editing.directions.nearing import come_near
from c2l.editing.directions.texts import text_difference
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


def goal_in(pipeline: c2l.Pipeline, num: int) -> Goal:
    """The second shape, for pictures of any."""
    latents = pipeline.generator.sample_latents(range(num))
    own = look(pipeline, pipeline.generator.latent_space.expand(latents))
    difference = text_difference(pipeline, "shape1", "shape2")
    axes = normalize(difference[None], dim=1)
    return Goal.of(own, axes, difference.expand(num, -1), torch.tensor([0.4]), 1.0)


def test_pictures_come_nearer(pipeline: c2l.Pipeline) -> None:
    goal = goal_in(pipeline, 5)
    there = come_near(pipeline, goal, seed=0)
    assert bool((goal.missed(there) < goal.missed(goal.own)).all())
    torch.testing.assert_close(there.seen, see(pipeline, there.latents), atol=1e-3, rtol=1e-3)


def test_a_picture_comes_out_alike_among_others(pipeline: c2l.Pipeline) -> None:
    goal = goal_in(pipeline, 4)
    together = come_near(pipeline, goal, seed=0)
    alone = come_near(pipeline, goal.rows(torch.tensor([2])), seed=0)
    # Rounding depends on how many there are, and every step along the gradient widens it.
    torch.testing.assert_close(alone.latents[0], together.latents[2], atol=0.05, rtol=0)
    torch.testing.assert_close(
        goal.rows(torch.tensor([2])).missed(alone)[0], goal.missed(together)[2], atol=0.01, rtol=0
    )


def test_the_gradient_leads_on(pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    goal = goal_in(pipeline, 4)
    there = come_near(pipeline, goal, seed=0)
    monkeypatch.setattr(nearing, "_MOST_STEPS", 0)
    answered = come_near(pipeline, goal, seed=0)
    assert goal.missed(there).mean() < goal.missed(answered).mean()


def test_steps_are_made_while_they_help(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []

    def counted(parts: c2l.Pipeline, latents: Tensor, truncation: float) -> Pictures:
        drawn.append(len(latents))
        return look_at(parts, latents, truncation)

    monkeypatch.setattr(nearing, "look_at", counted)
    monkeypatch.setattr(nearing, "_SEARCHES", 1)
    goal = goal_in(pipeline, 4)
    come_near(pipeline, goal, seed=0)
    assert drawn[:7] == [4] * 7  # whether to go on is seen before the seventh step
    assert drawn[7:] == sorted(drawn[7:], reverse=True)
    assert len(set(drawn)) > 1  # some were near enough before others
    drawn.clear()
    monkeypatch.setattr(nearing, "_NEAR_ENOUGH", 4.0)
    come_near(pipeline, goal, seed=0)
    assert drawn == [4] * 7


def test_those_far_off_are_searched_for_again(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = goal_in(pipeline, 4)
    monkeypatch.setattr(nearing, "_MOST_STEPS", 0)
    monkeypatch.setattr(nearing, "_SEARCHES", 1)
    once = goal.missed(come_near(pipeline, goal, seed=0))
    monkeypatch.setattr(nearing, "_NEAR_ENOUGH", float(once.median()))
    monkeypatch.setattr(nearing, "_SEARCHES", 3)
    again = goal.missed(come_near(pipeline, goal, seed=0))
    far = once > once.median()
    torch.testing.assert_close(again[~far], once[~far])
    assert bool((again[far] <= once[far]).all())
    assert bool((again[far] < once[far]).any())


@pytest.mark.parametrize("prior", [ToyPrior, Plain])
def test_nothing_but_answers_is_needed(prior: type[ToyPrior]) -> None:
    pipeline = c2l.Pipeline(Drawn(), ToyEmbedder(), prior(guidance=64))
    goal = goal_in(pipeline, 3)
    there = come_near(pipeline, goal, seed=0)
    assert bool((goal.missed(there) <= goal.missed(goal.own)).all())


def test_within_inference_mode(pipeline: c2l.Pipeline) -> None:
    with torch.inference_mode():
        latents = pipeline.generator.latent_space.expand(pipeline.generator.sample_latents([1]))
        (found,) = adhere(pipeline, latents, "shape2")
    assert found.after >= found.before


def plain_goal(way: list[float], typical: float = 0.6) -> Goal:
    """The first of three numbers is asked for; the pictures are black."""
    own = Pictures(torch.zeros(1, 1, 2), torch.tensor([[0.0, 3.0, 0.0]]), torch.zeros(1, 4))
    return Goal.of(own, torch.eye(3)[:1], torch.tensor([way]), torch.tensor([typical]), 1.0)


def missed(goal: Goal, seen: list[float], colours: float = 0.0) -> float:
    small = torch.full((1, 4), colours)
    return float(goal.missed(goal.own._replace(seen=torch.tensor([seen]), small=small)))


def test_more_than_is_usually_shown_counts_for_nothing() -> None:
    goal = plain_goal([1.0, 0.0, 0.0])
    less, enough, more = (missed(goal, [x, (1 - x * x) ** 0.5, 0.0]) for x in (0.3, 0.6, 0.8))
    assert enough < less
    assert more > enough  # since the rest is taken along


def test_it_is_to_be_shown_along_every_axis() -> None:
    one = plain_goal([1.0, 0.0, 0.0])
    both = Goal.of(one.own, torch.eye(3)[[0, 2]], one.ways, torch.tensor([0.6, 0.5]), 1.0)
    along_one, along_both = [0.6, 0.8, 0.0], [0.6, 0.39**0.5, 0.5]
    assert missed(one, along_one) < missed(one, along_both)
    assert missed(both, along_both) < missed(both, along_one)
    assert missed(both, along_both) == pytest.approx((1 - 0.39**0.5) ** 2, abs=1e-5)


def test_what_is_not_asked_for_shall_stay() -> None:
    goal = plain_goal([1.0, 0.0, 0.0])
    right = [0.6, 0.8, 0.0]
    assert missed(goal, [0.6, 0.77, 0.22]) > missed(goal, right)
    assert missed(goal, right, colours=0.5) > missed(goal, right, colours=0.1) > missed(goal, right)
    # What a way leaves behind may go.
    assert missed(plain_goal([1.0, -1.0, 0.0]), right) < missed(goal, right)


def test_that_colours_are_others_counts_and_hardly_how_other() -> None:
    goal = plain_goal([1.0, 0.0, 0.0])
    near, far, farther = (missed(goal, [0.6, 0.8, 0.0], colours) for colours in (0.1, 0.6, 1.2))
    assert near > 0.5 * far
    assert farther < 1.01 * far


def test_as_much_is_asked_for_as_is_missing() -> None:
    goal = plain_goal([1.0, 0.0, 0.0])
    once, twice = goal.asked(torch.tensor([1.0, 2.0]))[0]
    torch.testing.assert_close(once.norm(), torch.tensor(3.0))  # as long as the picture's own
    torch.testing.assert_close(once[0] / once[1], torch.tensor(0.6))
    torch.testing.assert_close(twice[0] / twice[1], torch.tensor(1.2))
