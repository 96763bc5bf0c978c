"""Where the classes of a generator lie among its latents, for those whose latents only imply them.

A StyleGAN's mapping network takes the class, so each class has its own region of w, but nothing
says which w belongs to which. Random latents of every class do: their means, and a covariance that
all share, as in linear discriminant analysis (Fisher 1936).

Every class is sampled with the same seeds, so that a seed's latents in two classes differ only in
the class. A latent is moved to another class as its nearest random latent moves: regions may differ
in shape, and the mean of one may lie outside it.
"""

# Letters: B batch, C classes, K codes of a latent, D width of a code, S seeds.

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LATENTS_IN_ALL = 16_384
FEWEST, MOST = 16, 512
"""Latents of each class, whose seeds are the same for all of them."""

OTHERS_IN_ALL, FEWEST_OTHERS = 8192, 4
"""Latents of seeds that no other has. They tell how latents spread, which the few seeds that all
classes are shown with do not: there may be fewer of them than a code has numbers."""

AT_ONCE = 1024
EVEN = 0.01
"""Of the mean variance, added to all: the covariance of few latents is flat in some directions."""

STRANGE = 2.0
"""A latent that is so many times as far from the nearest random one of its class as others are at
most, is none that the network would draw."""


class ClassRegions:
    """The regions of C classes.

    Args:
        sample: seeds and classes, B of each, to latents (B, K, D).
        num: C.
    """

    def __init__(self, sample: Callable[[Sequence[int], Sequence[int]], Tensor], num: int) -> None:
        each = max(FEWEST, min(MOST, LATENTS_IN_ALL // num))
        fresh = max(FEWEST_OTHERS, min(MOST, OTHERS_IN_ALL // num))
        self._drawn = _draw(sample, num, each, lambda number: range(each))  # (K, C, S, D)
        others = _draw(
            sample,
            num,
            fresh,
            lambda number: range(each + number * fresh, each + (number + 1) * fresh),
        )
        self.means = torch.cat([self._drawn, others], dim=2).mean(dim=2)  # (K, C, D)
        away = (others - others.mean(dim=2, keepdim=True)).flatten(1, 2)
        covariance = (away.mT @ away).double() / (num * (fresh - 1))
        level = covariance.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(1e-12)
        even = EVEN * level[:, None, None] * torch.eye(covariance.shape[-1])
        self._whiten = torch.linalg.inv(torch.linalg.cholesky(covariance + even)).float()
        self._whitened_means = self.means @ self._whiten.mT
        own = torch.arange(num).repeat_interleave(fresh)
        latents = others.flatten(1, 2).transpose(0, 1)
        _, far = self._next_to(latents, own)
        self._near, self._strange = far.median(dim=1).values, STRANGE * far.amax(dim=1)
        margins = torch.cat([
            self._margins(some, classes)
            for some, classes in zip(latents.split(AT_ONCE), own.split(AT_ONCE), strict=True)
        ])  # fmt: skip
        right = margins[margins > 0] if bool((margins > 0).any()) else margins.new_zeros(1)
        self._least = 0.99 * right.min()

    def classes_of(self, latents: Tensor) -> Tensor:
        """The class (B,) of each latent (B, K, D); K may be another where the space has one code,
        and is then taken together."""
        return self._apart(latents).argmin(dim=1)

    def _apart(self, latents: Tensor) -> Tensor:
        """Squared distances (B, C) of latents (B, K, D) from the means."""
        apart = torch.cdist(latents.transpose(0, 1) @ self._whiten.mT, self._whitened_means)
        return apart.square().sum(dim=0)

    def _margins(self, latents: Tensor, classes: Tensor) -> Tensor:
        """How much nearer latents are to the means of these classes (B,) than to others, (B,)."""
        apart, places = self._apart(latents), classes[:, None]
        others = apart.scatter(1, places, torch.inf).amin(dim=1)
        return (others - apart.gather(1, places)[:, 0]).clamp_max(torch.finfo(apart.dtype).max)

    def _next_to(self, latents: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """The seeds (K, B) whose latents of these classes (B,) are the nearest, and how far."""
        codes = latents.transpose(0, 1) @ self._whiten.mT
        far, seeds = codes.new_zeros(codes.shape[:2]), torch.zeros(codes.shape[:2]).long()
        for number in own.unique().tolist():
            rows = own == number
            apart = torch.cdist(codes[:, rows], self._drawn[:, number] @ self._whiten.mT)
            far[:, rows], seeds[:, rows] = apart.min(dim=2)
        return seeds, far

    def moved(self, latents: Tensor, classes: Tensor) -> Tensor:
        """The latents (B, K, D), of these classes (B,).

        Those stay as they are that are as surely of it as any random latent of the class.
        """
        own = self.classes_of(latents)
        seeds, far = self._next_to(latents, own)
        strange = (far > self._strange[:, None]).any(dim=0)
        open_ = strange | (self._margins(latents, classes) < self._least)
        code = torch.arange(len(self._drawn))[:, None]
        goal = self._drawn[code, classes, seeds].transpose(0, 1)
        away = latents - self._drawn[code, own, seeds].transpose(0, 1)
        # The farther off, the less of it is kept: nobody knows what it shows in another class.
        share = (self._near[:, None] / far.clamp_min(1e-12)).clamp_max(1).square().T[..., None]
        result = latents.clone()
        for wanted in (goal + share * away, goal, self.means[:, classes].transpose(0, 1)):
            result[open_] = wanted.expand_as(latents)[open_]
            open_ = open_ & (self._margins(result, classes) < self._least)
        return result


def _draw(
    sample: Callable[[Sequence[int], Sequence[int]], Tensor],
    num: int,
    each: int,
    seeds_of: Callable[[int], Sequence[int]],
) -> Tensor:
    """Latents of ``each`` seeds of each class, (K, C, S, D)."""
    together = max(1, AT_ONCE // each)
    drawn = []
    for first in range(0, num, together):
        some = range(first, min(first + together, num))
        seeds = [seed for number in some for seed in seeds_of(number)]
        latents = sample(seeds, [number for number in some for _ in range(each)]).cpu()
        drawn.append(latents.unflatten(0, (-1, each)))
    return torch.cat(drawn).permute(2, 0, 1, 3).contiguous()
