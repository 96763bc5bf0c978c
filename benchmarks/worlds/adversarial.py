"""Training a small generator against a discriminator, without labels, on a CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MIXING = 0.75
"""A share of mixed batches that lets each place where four layers can change, and none, be as
frequent. In StyleGAN, of 18 layers of which most decide little, it is 0.9."""


class Drawer(Protocol):
    """A generator that can be trained.

    It maps z (B, z_width) to w (B, D), and draws a w of each of its L layers, (B, L, D), as a
    picture (B, C, H, W).
    """

    z_width: int
    layers: nn.ModuleList
    mean: Tensor
    std: Tensor

    def map(self, z: Tensor) -> Tensor: ...
    def draw(self, codes: Tensor) -> Tensor: ...


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
        mixing: the share of batches whose layers from a random one on have another w (style
            mixing; Karras et al. 2019, arXiv 1812.04948). The discriminator has a verdict for each
            place of that change, and for none: it would else let pictures of one w lack what only
            mixed ones show.
    """

    steps: int
    batch: int
    rate: float
    ema: float
    r1: float
    r1_every: int
    mixing: float = 0.0


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
        discriminator: pictures to logits (B, N), whether they are true; N is as many as layers
            with mixing, else 1.
        images: the true ones, (N, C, H, W), range [-1, 1].
        report: is told how many steps are done, and given the mean so far.
    """
    rng = torch.Generator().manual_seed(0)
    average = copy.deepcopy(generator)
    theirs = torch.optim.Adam(discriminator.parameters(), plan.rate, betas=(0.0, 0.99))
    ours = torch.optim.Adam(generator.parameters(), plan.rate, betas=(0.0, 0.99))
    for step in range(plan.steps):
        change = _change(plan, len(generator.layers), rng)
        true = images[torch.randint(len(images), (plan.batch,), generator=rng)].float()
        penalised = step % plan.r1_every == 0
        true.requires_grad_(penalised)
        seen = discriminator(true)[:, change]
        with torch.no_grad():
            false = _fakes(generator, plan, change, rng)
        loss = F.softplus(-seen).mean() + F.softplus(discriminator(false)[:, change]).mean()
        if penalised:
            (gradient,) = torch.autograd.grad(seen.sum(), true, create_graph=True)
            steepness = gradient.square().sum((1, 2, 3)).mean()
            loss = loss + plan.r1 * plan.r1_every / 2 * steepness
        _descend(theirs, loss)
        discriminator.requires_grad_(False)
        seen = discriminator(_fakes(generator, plan, change, rng))[:, change]
        _descend(ours, F.softplus(-seen).mean())
        discriminator.requires_grad_(True)
        keep = min(plan.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for mine, its in zip(average.parameters(), generator.parameters(), strict=True):
                mine.lerp_(its, 1 - keep)
        report(step + 1, average)
    note_codes(average, rng)
    return average


def _change(plan: Plan, num_layers: int, rng: torch.Generator) -> int:
    """The first layer that has another w in all pictures of a step; 0 for none."""
    if not plan.mixing or float(torch.rand((), generator=rng)) >= plan.mixing:
        return 0
    return int(torch.randint(1, num_layers, (), generator=rng))


def _fakes(generator: Drawer, plan: Plan, change: int, rng: torch.Generator) -> Tensor:
    def codes() -> Tensor:
        w = generator.map(torch.randn(plan.batch, generator.z_width, generator=rng))
        return every_layer(generator, w)

    if not change:
        return generator.draw(codes())
    return generator.draw(torch.cat([codes()[:, :change], codes()[:, change:]], dim=1))


def every_layer(generator: Drawer, w: Tensor) -> Tensor:
    """One w (B, D) for all layers of a picture: (B, L, D)."""
    return w[:, None].expand(-1, len(generator.layers), -1)


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
