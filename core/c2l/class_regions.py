"""Where the classes of a generator lie among its latents, for those whose latents only imply them.

A StyleGAN is told the class before w: each class has its own region of w, and nothing says which w
is of which. Random latents of every class tell: their means, and a covariance that all share, as in
linear discriminant analysis (Fisher 1936). A latent is moved to another class by moving it with the
mean of its own, so that what it shows besides the class stays as like as can be.
"""

# Letters: B batch, C classes, K codes of a latent, D width of a code.

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LATENTS_IN_ALL = 16_384
FEWEST, MOST = 16, 512
"""Latents of each class, whose seeds are the same for all of them."""

AT_ONCE = 1024
EVEN = 0.01
"""Of the mean variance, added to all: the covariance of few latents is flat in some directions."""

USUAL = 0.99
"""So many of a class's own latents are as near to its mean as one that is moved there."""

NEARER = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Shares of the way from the mean to keep, until a moved latent is surely of its class; 0 is the
mean."""

SURE = 0.1
"""So many of a class's own latents are less surely of it than one that is moved there."""


class ClassRegions:
    """The regions of C classes.

    Args:
        sample: seeds and classes, B of each, to latents (B, K, D).
        num: C.
    """

    def __init__(self, sample: Callable[[Sequence[int], Sequence[int]], Tensor], num: int) -> None:
        each = max(FEWEST, min(MOST, LATENTS_IN_ALL // num))
        together = max(1, AT_ONCE // each)
        means, seen, scatter = [], [], torch.zeros(())
        for first in range(0, num, together):
            some = range(first, min(first + together, num))
            classes = [number for number in some for _ in range(each)]
            drawn = sample([*range(each)] * len(some), classes).cpu().unflatten(0, (-1, each))
            means.append(drawn.mean(dim=1))
            away = (drawn - means[-1][:, None]).flatten(0, 1).transpose(0, 1)
            scatter = scatter + (away.mT @ away).double()
            seen.append(away)
        total = num * (each - 1)
        covariance = scatter / total
        level = covariance.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(1e-12)
        even = EVEN * level[:, None, None] * torch.eye(covariance.shape[-1])
        whiten = torch.linalg.inv(torch.linalg.cholesky(covariance + even)).float()
        self._whiten = whiten  # (K, D, D)
        self.means = torch.cat(means).transpose(0, 1)  # (K, C, D)
        self._whitened_means = self.means @ whiten.mT
        far = (torch.cat(seen, dim=1)[:, :: 1 + total // AT_ONCE] @ whiten.mT).norm(dim=2)
        self._radius = far.quantile(USUAL, dim=1)  # (K,)
        own = torch.arange(num).repeat_interleave(FEWEST)
        few = torch.cat(seen, dim=1).unflatten(1, (num, each))[:, :, :FEWEST].flatten(1, 2)
        margins = self._margins(few.transpose(0, 1) + self.means[:, own].transpose(0, 1), own)
        right = margins[margins > 0] if bool((margins > 0).any()) else margins.new_zeros(1)
        self._least, self._sure = 0.99 * right.min(), right.kthvalue(1 + int(SURE * len(right)))[0]

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

    def moved(self, latents: Tensor, classes: Tensor) -> Tensor:
        """The latents (B, K, D), of these classes (B,).

        Those stay as they are that are as surely of it as any random latent of the class.
        """
        own = self.classes_of(latents)
        away = latents - self.means[:, own].transpose(0, 1)
        far = (away.transpose(0, 1) @ self._whiten.mT).norm(dim=2)  # (K, B)
        away = away * (self._radius[:, None] / far.clamp_min(1e-12)).clamp_max(1).T[..., None]
        goal = self.means[:, classes].transpose(0, 1)
        result, open_ = latents.clone(), self._margins(latents, classes) < self._least
        for share in NEARER:
            if not bool(open_.any()):
                break
            result[open_] = (goal + share * away)[open_]
            open_ = open_ & (self._margins(result, classes) < self._sure)
        return result
