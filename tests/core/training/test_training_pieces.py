"""Batches and the schedule."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from c2l.pairs import PairsManifest
from c2l.prior_file import PartCard
from c2l.training.batches import Batches, rng_of
from c2l.training.plan import TrainingPlan, make_plan
from c2l.training.priors import new_prior
from c2l.training.run import TrainingRun


@given(num=st.integers(1, 40), batch=st.integers(1, 60), seed=st.integers(0, 9))
def test_batches_visit_every_pair_once_an_epoch(num: int, batch: int, seed: int) -> None:
    batches = Batches(num, batch, seed)
    rows = torch.cat([batches.rows(step) for step in range(3 * num)])
    assert len(rows) == 3 * num * batch
    for epoch in rows[: 3 * num].split(num):
        assert sorted(epoch.tolist()) == list(range(num))


@given(step=st.integers(0, 50), seed=st.integers(0, 5))
def test_a_batch_does_not_depend_on_those_before(step: int, seed: int) -> None:
    running = Batches(23, 8, seed)
    for earlier in range(step):
        running.rows(earlier)
    assert torch.equal(running.rows(step), Batches(23, 8, seed).rows(step))


def test_randomness_belongs_to_seed_purpose_and_step() -> None:
    draws = {
        float(torch.rand(1, generator=rng_of(*key)))
        for key in ((0, "step", 0), (0, "step", 1), (1, "step", 0), (0, "epoch", 0))
    }
    assert len(draws) == 4
    assert torch.rand(1, generator=rng_of(0, "step", 0)).item() in draws


def test_the_learning_rate_warms_up_and_falls_to_zero() -> None:
    plan = TrainingPlan(
        kind="flow",
        settings={},
        pairs="",
        prompts="",
        num_pairs=1000,
        num_held_out=0,
        steps=100,
        batch_size=8,
        learning_rate=0.5,
        weight_decay=0.0,
        warmup=10,
        ema=0.9,
        seed=0,
        validate_every=40,
        patience=2,
        window=1000,
        sample=1000,
    )
    rates = [plan.learning_rate_at(step) for step in range(101)]
    assert rates[0] == 0.05
    assert max(rates) == rates[10] == rates[9] == 0.5
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert abs(rates[100]) < 1e-9
    assert [step for step in range(1, 101) if plan.validates_at(step)] == [40, 80, 100]
    assert plan.ema_at(0) == 0.1 and plan.ema_at(1000) == 0.9


@pytest.mark.parametrize(("device", "pairs_in_a_step"), [("cpu", 256), ("cuda", 1024)])
def test_the_device_picks_the_batch(
    monkeypatch: pytest.MonkeyPatch, device: str, pairs_in_a_step: int
) -> None:
    monkeypatch.setattr("c2l.training.plan.resolve_device", torch.device)
    part = PartCard("toy:part", "0" * 64)
    manifest = PairsManifest(
        generator=part,
        embedder=part,
        repeats=(5,),
        num_codes=1,
        latent_width=4,
        embedding_width=6,
        num=1000,
        first_seed=0,
        shard_size=1000,
        batch_size=16,
        versions={},
    )
    run = TrainingRun(prior="flow", device=device)
    prior = new_prior("flow", {}, manifest, 0)
    assert make_plan(run, prior, manifest, None).batch_size == pairs_in_a_step
    assert make_plan(run.with_changes(batch_size=7), prior, manifest, None).batch_size == 7
