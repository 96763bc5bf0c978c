"""Samples on the way to others, and near given latents: what every prior is asked with."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import c2l
from c2l.errors import BadInput
from c2l.seeds import NormalBetween, SeededNormal

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prior() -> c2l.Prior:
    return c2l.load_prior("flow:demo-faces")


def test_noise_on_the_way_is_noise_and_ends_where_it_should() -> None:
    starts, ends = range(5), range(10, 15)
    normal = NormalBetween(starts, ends, [0, 0.25, 0.5, 0.75, 1], CPU)
    numbers = normal(20_000)
    assert (numbers.std(dim=1) - 1).abs().max() < 0.03
    for row, seed in ((0, 0), (4, 14)):
        (wanted,) = SeededNormal([seed], CPU)(20_000)
        torch.testing.assert_close(numbers[row], wanted, atol=1e-5, rtol=0)
    assert not torch.equal(normal(3)[0], numbers[0, :3])  # they go on


def test_between_a_seed_and_itself_there_is_one_noise() -> None:
    numbers = NormalBetween([7, 7], [7, 7], [0.3, 0.5], CPU)(6)
    assert torch.equal(numbers, SeededNormal([7, 7], CPU)(6))


def test_embeddings_on_the_way_keep_their_length() -> None:
    start, end = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    found = c2l.Towards(end, range(3), [0, 0.5, 1]).on_the_way(start)
    torch.testing.assert_close(found[0], start[0])
    torch.testing.assert_close(found[2], end[2])
    middle = (start[1].norm() + end[1].norm()) / 2
    torch.testing.assert_close(found[1].norm(), middle)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda e, w: {"towards": c2l.Towards(e[:1], [0, 1], [0.5, 0.5])}, "towards"),
        (lambda e, w: {"towards": c2l.Towards(e, [0, 1], [0.5])}, "towards"),
        (lambda e, w: {"towards": c2l.Towards(e[:, 1:], [0, 1], [0.5, 0.5])}, "towards"),
        (lambda e, w: {"towards": c2l.Towards(e * torch.nan, [0, 1], [0.5, 0.5])}, "towards"),
        (lambda e, w: {"towards": c2l.Towards(e, [0, 1], [0.5, 1.5])}, "at"),
        (lambda e, w: {"towards": c2l.Towards(e, [0, -1], [0.5, 0.5])}, "seeds"),
        (lambda e, w: {"near": c2l.Near(w[:1], 0.5)}, "near"),
        (lambda e, w: {"near": c2l.Near(w[..., 1:], 0.5)}, "near"),
        (lambda e, w: {"near": c2l.Near(w, -0.1)}, "amount"),
        (lambda e, w: {"near": c2l.Near(w, float("nan"))}, "amount"),
    ],
)
def test_ways_that_cannot_be_gone(prior: c2l.Prior, make: Any, field: str) -> None:
    embeddings = torch.ones(2, prior.config.embedding_width)
    latents = torch.zeros(2, prior.config.num_codes, prior.config.latent_width)
    with pytest.raises(BadInput) as caught:
        prior.sample(embeddings, seeds=[0, 1], **make(embeddings, latents))
    assert caught.value.field == field


def test_staying_is_exact_and_going_all_the_way_forgets(prior: c2l.Prior) -> None:
    embeddings = torch.randn(
        2, prior.config.embedding_width, generator=torch.Generator().manual_seed(0)
    )
    own = prior.sample(embeddings.flip(0), seeds=[8, 9])
    same = prior.sample(embeddings, seeds=[0, 1], near=c2l.Near(own, 0))
    assert torch.equal(same, own) and same is not own
    fresh = prior.sample(embeddings, seeds=[0, 1])
    assert torch.equal(prior.sample(embeddings, seeds=[0, 1], near=c2l.Near(own, 1)), fresh)
    away = [
        float((prior.sample(embeddings, seeds=[0, 1], near=c2l.Near(own, x)) - own).norm())
        for x in (0.1, 0.3, 0.6)
    ]
    assert 0 < away[0] < away[1] < away[2]


def test_only_priors_that_say_so_go_ways() -> None:
    """Those of others that say nothing of their options are not taken to know these."""
    assert not {"towards", "near"} & c2l.Prior.supported_options
    assert not {"towards", "near"} & c2l.load_pipeline().prior.ignored_options
