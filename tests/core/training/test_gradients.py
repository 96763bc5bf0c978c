"""Gradients of micro-batches: one sum, whoever computes which of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, distributed

from c2l.errors import BadInput
from c2l.ranks import Ranks
from c2l.ranks.group import JoinedRanks
from c2l.ranks.member import Member
from c2l.training.batches import rng_of
from c2l.training.feed import WholeFeed
from c2l.training.gradients import FastGradients, Sum, TreeGradients, gradients_of, tree_sum
from c2l.training.plan import TrainingPlan
from c2l.training.run import TrainingRun
from c2l.training.sharing import check_sharing, sharing
from c2l_priors.onestep import OneStepPrior


def plan(micro_batches: int) -> TrainingPlan:
    return TrainingPlan(
        kind="onestep", settings={}, pairs="", num_pairs=64, num_held_out=0, prompts="", steps=9,
        batch_size=32, learning_rate=0.01, weight_decay=0.0, warmup=1, ema=0.9, seed=0,
        validate_every=9, patience=1, window=64, sample=64, micro_batches=micro_batches,
    )  # fmt: skip


class OneOf(Ranks):
    """A rank whose neighbours are computed one after the other."""

    def __init__(self, rank: int, num: int, sent: list[Tensor]) -> None:
        self.rank, self.num, self.sent = rank, num, sent

    def total(self, values: Tensor) -> Tensor:
        self.sent.append(values)
        if len(self.sent) < self.num:
            return values
        level = self.sent
        while len(level) > 1:
            level = [a + b for a, b in zip(level[::2], level[1::2], strict=True)]
        return level[0]


def small_prior(plan: TrainingPlan) -> tuple[OneStepPrior, WholeFeed]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    prior = OneStepPrior(embedding_width=6, num_codes=1, latent_width=8, hidden=16, num_blocks=1)
    rows = torch.randn(64, 6), torch.randn(64, 1, 8)
    prior.fit(*rows)
    return prior, WholeFeed(rows, plan)


def gradients(num: int, asked: int = -1) -> tuple[Tensor, bool, list[Tensor | None]]:
    prior, feed = small_prior(plan(8))
    sent: list[Tensor] = []
    for rank in range(num):  # the last one has heard all others
        ranks = OneOf(rank, num, sent)
        found = TreeGradients(prior, plan(8), feed, ranks)
        loss, stop = found.compute(1, asked == rank)
    return loss, stop, [parameter.grad for parameter in prior.parameters()]


def test_one_two_four_and_eight_ranks_have_the_same_bits() -> None:
    loss, _, alone = gradients(1)
    assert any(g is None for g in alone), "what distillation trains later has none"
    for num in (2, 4, 8):
        other, stop, shared = gradients(num)
        assert torch.equal(loss, other) and not stop
        for a, b in zip(alone, shared, strict=True):
            assert (a is None) == (b is None)
            assert a is None or b is None or torch.equal(a, b)
    assert gradients(4, asked=1)[1], "Ctrl-C of one reaches all at the same step"


@pytest.fixture
def a_group_of_one() -> Iterator[None]:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


class Alike(Ranks):
    """One of three that all have the same."""

    num = 3

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def total(self, values: Tensor) -> Tensor:
        return 3 * values


@pytest.mark.parametrize("rank", range(3))
def test_a_fast_step_computes_the_part_of_its_rank(a_group_of_one: None, rank: int) -> None:
    """What DDP makes of the gradients of several is its own affair."""
    fast = dataclasses.replace(plan(1), batch_size=24, fast=True)
    prior, feed = small_prior(fast)
    found = gradients_of(prior, fast, feed, Alike(rank))
    assert isinstance(found, FastGradients)
    loss, stop = found.compute(5, asked=True)
    gradients = [parameter.grad for parameter in prior.parameters()]
    prior.zero_grad()
    part = feed.batch(5, slice(8 * rank, 8 * rank + 8))
    wanted = prior.training_loss(*part, rng_of(0, "step", 15 + rank))
    wanted.backward()
    torch.testing.assert_close(loss, wanted.detach())
    assert stop
    for gradient, parameter in zip(gradients, prior.parameters(), strict=True):
        assert (gradient is None) == (parameter.grad is None)
        torch.testing.assert_close(gradient, parameter.grad)


def test_a_number_that_makes_no_tree_is_summed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distributed, "all_reduce", lambda values: values.mul_(3))
    heart = SimpleNamespace(waiting=nullcontext)
    three = JoinedRanks(Member(1, 3, 1, "", 1), None, heart)  # type: ignore[arg-type]
    mine = torch.ones(2)
    assert three.total(mine).tolist() == [3, 3] and mine.tolist() == [1, 1]


def test_the_sum_is_a_tree_and_not_a_chain() -> None:
    big, one = torch.tensor([1e8]), torch.tensor([1.0])
    leaves: list[Sum] = [[big], [one], [-big], [one]]
    assert tree_sum(leaves) == [(big + one) + (-big + one)]
    assert tree_sum([[None, one], [one, one]]) == [one, one + one]
    assert tree_sum([[None, one], [None, one]]) == [None, one + one]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"processes": 3}, "3 processes cannot share 8 micro-batches. Use 1, 2, 4 or 8 `proc"),
        ({"processes": 16}, "16 processes cannot share 8 micro-batches"),
        ({"processes": 2, "micro_batches": 1}, "2 processes cannot share 1 micro-batches. Leave"),
        ({"micro_batches": 6}, "`micro_batches=6` is not a power of two"),
        ({"processes": 2, "batch_size": 100}, "into 8 equal parts. Use `batch_size=104`"),
        ({"processes": 3, "fast": True, "batch_size": 32}, "cannot be cut into 3 equal parts"),
    ],
)  # fmt: skip
def test_what_processes_cannot_share(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_sharing(TrainingRun(**fields))
    assert said in str(caught.value)


def test_what_they_can() -> None:
    for fields in (
        {},
        {"processes": 8},
        {"processes": 16, "micro_batches": 16},
        {"micro_batches": 4},
    ):
        check_sharing(TrainingRun(**fields))  # type: ignore[arg-type]
    check_sharing(TrainingRun(processes=3, fast=True, batch_size=33))
    with pytest.raises(BadInput, match="`processes=2` is asked for, and 1 are there"):
        sharing(TrainingRun(processes=2), Ranks())
