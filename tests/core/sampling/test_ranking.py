"""Candidates: their seeds, and which of them is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from c2l.sampling.ranking import candidate_seeds, keep_best


@given(st.integers(0, 2**64 - 1), st.integers(1, 300))
def test_candidates_have_seeds_of_their_own(seed: int, num: int) -> None:
    seeds = candidate_seeds(seed, num)
    assert seeds[0] == seed and len(set(seeds)) == num
    assert all(0 <= s < 2**64 for s in seeds)


@pytest.mark.parametrize("at_once", [1, 2, 5, 12])
@pytest.mark.parametrize("num_candidates", [1, 3, 4])
def test_the_best_are_kept_however_they_come(at_once: int, num_candidates: int) -> None:
    rng = torch.Generator().manual_seed(0)
    embeddings = torch.randn(12, 8, generator=rng)
    images = torch.arange(12.0)[:, None, None, None].expand(-1, 3, 2, 2)
    targets = torch.randn(12 // num_candidates, 8, generator=rng)
    counted: list[int] = []

    def rendered() -> Iterator[tuple[Tensor, Tensor]]:
        yield from zip(images.split(at_once), embeddings.split(at_once), strict=True)

    best = keep_best(rendered(), targets, num_candidates, counted.append)
    cosines = torch.cosine_similarity(
        embeddings.unflatten(0, (-1, num_candidates)), targets[:, None], dim=2
    )
    torch.testing.assert_close(best.scores, cosines.amax(1))
    assert torch.equal(best.candidates, cosines.argmax(1))
    rows = torch.arange(len(targets)) * num_candidates + best.candidates
    assert torch.equal(best.images, images[rows]) and torch.equal(best.embeddings, embeddings[rows])
    assert sum(counted) == 12


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_candidate_that_is_nan_does_not_win(broken: int) -> None:
    embeddings = torch.eye(3)
    embeddings[broken] = math.nan
    best = keep_best(iter([(torch.zeros(3, 3, 2, 2), embeddings)]), torch.ones(1, 3), 3, print)
    assert best.candidates != broken and not best.scores.isnan()
