"""Candidates are drawn until more of them no longer help."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from c2l.clock import Clock
from c2l.errors import BadInput
from c2l.sampling.best_of import MOST_CANDIDATES
from c2l.sampling.enough import FEWEST, draw_enough, gain_of_doubling, spread_of
from c2l.sampling.ranking import FINALISTS
from c2l.sampling.request import DrawRequest, DrawSettings
from c2l.student import Student
from c2l.testing import ToyPrior

WIDTH = 6


class Itself(Student):
    """Latents are their own embeddings."""

    def __init__(self) -> None:
        super().__init__(num_codes=1, latent_width=WIDTH, embedding_width=WIDTH)

    def forward(self, latents: Tensor) -> Tensor:
        return torch.nn.functional.normalize(latents[:, 0], dim=1)


@pytest.fixture
def prior() -> ToyPrior:
    prior = ToyPrior(embedding_width=WIDTH, num_codes=1, latent_width=WIDTH)
    prior.student = Itself()
    return prior


def candidates(apart: float, seed: int = 0) -> Tensor:
    """Latents (MOST_CANDIDATES, 1, WIDTH) around one place, and how far they scatter."""
    normal = torch.randn(MOST_CANDIDATES, 1, WIDTH, generator=torch.Generator().manual_seed(seed))
    return torch.eye(WIDTH)[:1] + apart * normal


def test_the_gain_is_that_of_all_halves() -> None:
    scores = torch.randn(8, generator=torch.Generator().manual_seed(0))
    halves = [max(half) for half in itertools.combinations(scores.tolist(), 4)]
    wanted = float(scores.max()) - sum(halves) / len(halves)
    assert gain_of_doubling(scores) == pytest.approx(wanted, abs=1e-6)


def test_candidates_that_are_alike_end_soon_and_others_go_on(prior: ToyPrior) -> None:
    pools = torch.stack([candidates(0.001), candidates(5.0), candidates(0.001, 1)])
    targets = torch.eye(WIDTH)[[1, 0, 2]]
    asked: list[tuple[list[int], int]] = []

    def draw(pictures: Sequence[int], numbers: Sequence[int]) -> Tensor:
        asked.append((list(pictures), len(numbers)))
        return pools[pictures][:, list(numbers)]

    found = draw_enough(prior, targets, draw, Clock(torch.device("cpu")))
    assert found.drawn[0] == found.drawn[2] == FEWEST < found.drawn[1] <= MOST_CANDIDATES
    assert asked[0] == ([0, 1, 2], FEWEST) and asked[1] == ([1], FEWEST)
    for picture, num in enumerate(found.drawn):
        cosines = torch.cosine_similarity(pools[picture, :num, 0], targets[picture], dim=1)
        best = cosines.topk(FINALISTS).indices.sort().values
        assert found.candidates[picture] == best.tolist()
        assert torch.equal(found.latents[picture], pools[picture, best])


def test_a_picture_gets_the_same_alone(prior: ToyPrior) -> None:
    pools = torch.stack([candidates(0.3, seed) for seed in range(5)])
    targets = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(9))
    clock = Clock(torch.device("cpu"))
    whole = draw_enough(prior, targets, lambda p, n: pools[p][:, list(n)], clock)
    for row in range(5):
        alone = draw_enough(
            prior, targets[[row]], lambda _, n, row=row: pools[[row]][:, list(n)], clock
        )
        assert alone.drawn[0] == whole.drawn[row]
        assert alone.candidates[0] == whole.candidates[row]


def test_the_spread_is_that_of_random_latents(prior: ToyPrior) -> None:
    # The cosine of a random direction in six dimensions with any other.
    assert spread_of(prior, torch.eye(WIDTH)).tolist() == pytest.approx([6**-0.5] * 6, rel=0.1)


def test_without_a_student_it_is_refused() -> None:
    prior = ToyPrior(embedding_width=WIDTH, num_codes=1, latent_width=WIDTH)
    with pytest.raises(BadInput, match="no student"):
        draw_enough(
            prior, torch.eye(WIDTH), lambda p, n: torch.empty(0), Clock(torch.device("cpu"))
        )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "`best_of=0` is below 1"),
        ("-3", "`best_of=-3` is below 1"),
        ("all", "`best_of='all'` is neither a whole number nor auto"),
        (2.5, "`best_of=2.5` is neither"),
        ([4], "is neither"),
    ],
)
def test_what_is_no_number_is_refused(given: object, said: str) -> None:
    with pytest.raises(BadInput, match=said) as raised:
        DrawSettings(best_of=given)
    assert raised.value.field == "best_of" and "best_of=auto" in raised.value.hint


def test_pictures_do_not_rank_an_open_number() -> None:
    with pytest.raises(BadInput, match="goes by the student") as raised:
        DrawRequest(prompt="a man", best_of="auto", rank_by="pictures")
    assert raised.value.field == "rank_by"
    defaults = DrawSettings(best_of=1, rank_by="pictures")
    assert DrawSettings(best_of="auto").with_defaults(defaults).best_of == "auto"
    assert DrawSettings(best_of="8").best_of == 8
