"""How many candidates of a picture are enough: they are drawn until more no longer help.

The best of twice as many candidates is nearer to the prompt, by less and less. By how much is told
by those that were drawn: the best of N beside the best of half of them, on average over all halves.
Once that is next to nothing, beside how much pictures differ at all, twice as many again are not
worth it. Candidates that are nearly alike end soon, and a prompt that few of them show goes on.
"""

# Letters: B pictures, N candidates of each, K codes of width D, E embedding width.

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.clock import Clock
from c2l.prior import Prior
from c2l.sampling.best_of import MOST_CANDIDATES
from c2l.sampling.ranking import FINALISTS, guess_cosines, student_of

FEWEST = 8
LEAST_GAIN = 0.03
"""What twice as many candidates have to bring, in standard deviations of the cosines of random
latents: see ``benchmarks/student_ranking.md``."""
NUM_RANDOM = 512

Draw = Callable[[Sequence[int], Sequence[int]], Tensor]
"""Latents (B, N, K, D) of pictures by number, and of candidates of each by number."""


@dataclass(frozen=True)
class Enough:
    """The candidates worth rendering.

    Args:
        latents: (B, ``FINALISTS``, K, D).
        candidates: which they are of each picture, ascending.
        drawn: how many were drawn of each.
    """

    latents: Tensor
    candidates: Sequence[Sequence[int]]
    drawn: Sequence[int]


def draw_enough(prior: Prior, targets: Tensor, draw: Draw, clock: Clock) -> Enough:
    """Draw candidates of pictures until more do not help, and keep those that the student likes.

    Args:
        targets: (B, E).
        clock: of the student; ``draw`` has its own.
    Raises:
        BadInput: the prior has no student.
    """
    least = (LEAST_GAIN * spread_of(prior, targets)).tolist()
    num = len(targets)
    kept: list[Tensor] = [torch.empty(0)] * num
    guesses: list[Tensor] = [torch.empty(0)] * num
    names: list[list[int]] = [[]] * num
    open_, start, end = list(range(num)), 0, FEWEST
    while open_:
        new = draw(open_, range(start, end))
        with clock.stage("student"):
            guessed = guess_cosines(prior, new, targets[open_]).cpu()
        for row, picture in enumerate(open_):
            guesses[picture] = torch.cat([guesses[picture], guessed[row]])
            best = guesses[picture].topk(FINALISTS).indices.sort().values.tolist()
            pool = dict(zip(names[picture], kept[picture], strict=True)) if start else {}
            kept[picture] = torch.stack(
                [pool[k] if k < start else new[row, k - start] for k in best]
            )
            names[picture] = best
        open_ = [p for p in open_ if gain_of_doubling(guesses[p]) > least[p]]
        start, end = end, 2 * end
        if end > MOST_CANDIDATES:
            break
    return Enough(torch.stack(kept), names, [len(scores) for scores in guesses])


def gain_of_doubling(scores: Tensor) -> float:
    """By how much the best of N scores (N,), N even, lies above the best of half of them, drawn
    at random."""
    ordered = scores.double().sort().values
    num, half = len(ordered), len(ordered) // 2
    # The k-th smallest is the best of a half that is it and half - 1 of the k - 1 below it.
    halves = math.comb(num, half)
    share = torch.tensor([math.comb(k, half - 1) / halves for k in range(num)])
    return float(ordered[-1] - share.double() @ ordered)


@torch.no_grad()
def spread_of(prior: Prior, targets: Tensor) -> Tensor:
    """How much random latents differ in their cosines with targets (B, E), (B,), by the student."""
    student = student_of(prior)
    rng = torch.Generator().manual_seed(0)
    normal = torch.randn(NUM_RANDOM, *student.mean.shape, generator=rng).to(student.mean)
    seen = student(student.mean + student.std * normal)
    return (seen @ normalize(targets.to(seen), dim=1).T).std(dim=0)
