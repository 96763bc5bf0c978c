"""How well a criterion ranks what was tried in several worlds, and what is lost by its choice."""

# Letters: T tries of one world, P prompts.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from worlds.measure import rank_correlation

SPLITS = 200
"""Of the prompts in two halves."""


@dataclass(frozen=True)
class Tries:
    """What was tried in one world.

    Args:
        fit: what the criterion says of each, the higher the better, (T,).
        accuracy: of each and every prompt, (T, P).
    """

    fit: Tensor
    accuracy: Tensor

    def halved(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """The accuracy of each on one half of the prompts, and on the other."""
        one, other = torch.randperm(self.accuracy.shape[1], generator=rng).tensor_split(2)
        return self.accuracy[:, one].mean(dim=1), self.accuracy[:, other].mean(dim=1)


def pooled(ones: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """The rank correlation of two values (T,) of each world, over all worlds.

    Some worlds are harder than others: what counts is how far a value is below the highest of its
    world.
    """
    first, second = (torch.cat([v - v.max() for v in side]).tolist() for side in (ones, others))
    return rank_correlation(first, second)


def of_criterion(worlds: Sequence[Tries]) -> float:
    """Of the criterion with accuracy."""
    return pooled([w.fit for w in worlds], [w.accuracy.mean(dim=1) for w in worlds])


def of_halves(worlds: Sequence[Tries]) -> tuple[float, float]:
    """Of the criterion with accuracy on half of the prompts, and of that with the other half's: who
    knew the truth of as many prompts would rank no better."""
    rng = torch.Generator().manual_seed(0)
    found, most = [], []
    for _ in range(SPLITS):
        ones, others = zip(*(w.halved(rng) for w in worlds), strict=True)
        found.append(pooled([w.fit for w in worlds], ones))
        most.append(pooled(ones, others))
    return fmean(found), fmean(most)


def minus_best(ours: Sequence[float], theirs: Sequence[Sequence[float]]) -> list[float]:
    """For each prompt, ours minus those that are best for other prompts.

    Args:
        ours: a value for each of P prompts.
        theirs: the same of each that could be best.
    """
    mine, all_ = torch.tensor(ours).double(), torch.tensor(theirs).double()
    apart, rng = torch.zeros_like(mine), torch.Generator().manual_seed(0)
    for _ in range(SPLITS):
        halves = torch.randperm(len(mine), generator=rng).tensor_split(2)
        for some, others in (halves, halves[::-1]):
            best = all_[all_[:, some].mean(dim=1).argmax()]
            apart[others] += mine[others] - best[others]
    return [value / SPLITS for value in apart.tolist()]
