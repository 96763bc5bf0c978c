"""Training a small generator against a discriminator, without labels, on a CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Drawer(Protocol):
    """A generator that can be trained: z (B, z_width) to w (B, D) to pictures (B, C, H, W)."""

    z_width: int
    mean: Tensor
    std: Tensor

    def map(self, z: Tensor) -> Tensor: ...
    def draw(self, w: Tensor) -> Tensor: ...


G = TypeVar("G", bound=nn.Module)


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        steps, batch: so many updates of both networks, each on so many pictures.
        rate: the learning rate of both.
        ema: of the weights that are kept, at the end.
        r1, r1_every: the penalty of Mescheder et al. 2018 (arXiv 1801.04406), and how often it is
            paid.
    """

    steps: int
    batch: int
    rate: float
    ema: float
    r1: float
    r1_every: int


def train(
    generator: G,
    discriminator: nn.Module,
    images: Tensor,
    plan: Plan,
    report: Callable[[int, G], None],
) -> G:
    """The mean of a generator's weights over its training, with the mean and deviation of its w.

    Args:
        generator: a ``Drawer``.
        discriminator: pictures to logits: whether they are true.
        images: the true ones, (N, C, H, W), range [-1, 1].
        report: is told how many steps are done, and given the mean so far.
    """
    rng = torch.Generator().manual_seed(0)
    average = copy.deepcopy(generator)
    theirs = torch.optim.Adam(discriminator.parameters(), plan.rate, betas=(0.0, 0.99))
    ours = torch.optim.Adam(generator.parameters(), plan.rate, betas=(0.0, 0.99))
    for step in range(plan.steps):
        true = images[torch.randint(len(images), (plan.batch,), generator=rng)].float()
        penalised = step % plan.r1_every == 0
        true.requires_grad_(penalised)
        seen = discriminator(true)
        with torch.no_grad():
            false = _fakes(generator, plan, rng)
        loss = F.softplus(-seen).mean() + F.softplus(discriminator(false)).mean()
        if penalised:
            (gradient,) = torch.autograd.grad(seen.sum(), true, create_graph=True)
            steepness = gradient.square().sum((1, 2, 3)).mean()
            loss = loss + plan.r1 * plan.r1_every / 2 * steepness
        _descend(theirs, loss)
        discriminator.requires_grad_(False)
        _descend(ours, F.softplus(-discriminator(_fakes(generator, plan, rng))).mean())
        discriminator.requires_grad_(True)
        keep = min(plan.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, its in zip(average.parameters(), generator.parameters(), strict=True):
                mine.lerp_(its, 1 - keep)
        report(step + 1, average)
    note_codes(average, rng)
    return average


def _fakes(generator: Drawer, plan: Plan, rng: torch.Generator) -> Tensor:
    return generator.draw(generator.map(torch.randn(plan.batch, generator.z_width, generator=rng)))


@torch.no_grad()
def note_codes(generator: Drawer, rng: torch.Generator) -> None:
    """Take the mean and the deviation of w, for truncation and for priors."""
    codes = generator.map(torch.randn(10_000, generator.z_width, generator=rng))
    generator.mean.copy_(codes.mean(0, keepdim=True))
    generator.std.copy_(codes.std(0, keepdim=True))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
