"""Every seed from 0 to 2**64 - 1, none an alias of another."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import c2l
from c2l.seeds import draw_index, draw_normal

SEEDS = st.integers(0, 2**64 - 1)


@given(st.lists(SEEDS, min_size=2, max_size=6, unique=True))
def test_no_two_seeds_are_alike(seeds: list[int]) -> None:
    rows = draw_normal(seeds, 16)
    assert len({tuple(row.tolist()) for row in rows}) == len(seeds)


@pytest.mark.parametrize("high", [1, 2**10, 2**31, 2**32 - 1])
@pytest.mark.parametrize("low", [0, 1, 2**32 - 1])
def test_the_high_bits_count(low: int, high: int) -> None:
    one, other = draw_normal([low, high * 2**32 + low], 8)
    assert not torch.equal(one, other)


@given(st.lists(SEEDS, min_size=1, max_size=5))
def test_a_row_depends_on_its_seed_alone(seeds: list[int]) -> None:
    rows = draw_normal(seeds, 5)
    for row, seed in zip(rows, seeds, strict=True):
        assert torch.equal(row, draw_normal([seed], 5)[0])


@given(st.integers(0, 2**32 - 1))
def test_small_seeds_draw_what_torch_draws(seed: int) -> None:
    expected = torch.randn(7, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(draw_normal([seed], 7)[0], expected)


@pytest.mark.parametrize("seed", [5, 2**32 + 5, 2**64 - 1])
def test_numbers_go_on(seed: int) -> None:
    normal = c2l.SeededNormal([seed], torch.device("cpu"))
    first, second = normal(4), normal(4)
    assert not torch.equal(first, second)
    many = draw_normal([seed], 20_000)
    assert abs(float(many.mean())) < 0.03 and abs(float(many.std()) - 1) < 0.03


@pytest.mark.parametrize("offset", [0, 2**32, 2**63])
def test_an_index_is_drawn_in_proportion(offset: int) -> None:
    weights = torch.tensor([0.0, 1.0, 3.0])
    drawn = [draw_index(weights, offset + seed) for seed in range(400)]
    assert drawn.count(0) == 0
    assert 60 < drawn.count(1) < 140
