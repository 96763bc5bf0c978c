"""How well a criterion ranks what was tried, and how well that can be ranked."""

from __future__ import annotations

import pytest
import torch
from worlds.ranking import Tries, of_criterion, of_halves, pooled


def test_worlds_that_are_harder_do_not_matter() -> None:
    easy, hard = torch.tensor([0.5, 0.75, 1.0]), torch.tensor([0.0, 0.25, 0.5])
    assert pooled([easy, hard], [hard, easy]) == pytest.approx(1)
    assert pooled([easy, hard], [-hard, -easy]) == pytest.approx(-1)


def test_of_noise_no_criterion_can_be_right() -> None:
    """Twenty tries of which none is better: some are on one half of the prompts, by chance."""
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand(20, 60, generator=rng)
    world = Tries(noise.mean(dim=1), noise)  # a criterion that has seen these very prompts
    assert of_criterion([world]) == pytest.approx(1)
    of_half, most = of_halves([world])
    assert of_half > 0.5 and abs(most) < 0.2


def test_what_is_told_apart_on_every_prompt_can_be_ranked() -> None:
    accuracy = torch.linspace(0, 1, 10)[:, None].expand(-1, 60)
    worlds = [Tries(torch.arange(10.0), accuracy), Tries(-torch.arange(10.0), accuracy)]
    assert of_halves(worlds[:1]) == pytest.approx((1, 1))
    assert of_halves(worlds[1:]) == pytest.approx((-1, 1))
