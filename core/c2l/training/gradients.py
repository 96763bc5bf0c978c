"""The gradient of one step, computed by one process or shared by several.

A batch is cut into K micro-batches of equal size. Their gradients are summed as a binary tree: of
two neighbours, of two such sums, and so on. Each rank computes a whole branch, and the ranks go on
along the same tree, so that 1, 2, 4 or 8 of them get the same bits. A step also has to know
whether somebody has pressed Ctrl-C and which weights have a gradient at all: this travels with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from c2l.guard import blaming
from c2l.prior import Prior
from c2l.ranks import Ranks
from c2l.training.batches import rng_of
from c2l.training.feed import Feed
from c2l.training.plan import TrainingPlan

BF16_PARAMETERS = 10_000_000
"""Smaller networks are limited by kernel launches, and bf16 would only add conversions."""

Sum = list[Tensor | None]
"""Gradients by parameter, and last the loss; None for a parameter that plays no part."""


class Gradients(Protocol):
    """Puts the gradient of a step where an optimiser looks for it."""

    def compute(self, step: int, asked: bool) -> tuple[Tensor, bool]:
        """Compute the gradient of a step.

        Args:
            asked: whether this process is to stop.
        Returns:
            the loss of the batch, and whether any process is to stop.
        """


def gradients_of(prior: Prior, plan: TrainingPlan, feed: Feed, ranks: Ranks) -> Gradients:
    """What computes the steps of a plan."""
    if plan.fast and ranks.num > 1:
        return FastGradients(prior, plan, feed, ranks)
    return TreeGradients(prior, plan, feed, ranks)


class TreeGradients:
    """Sums whose bits do not depend on the number of processes."""

    def __init__(self, prior: Prior, plan: TrainingPlan, feed: Feed, ranks: Ranks) -> None:
        self._losses = _Losses(prior, prior, plan, feed)
        self._parameters = list(prior.parameters())
        self._prior, self._plan, self._ranks = prior, plan, ranks

    def compute(self, step: int, asked: bool) -> tuple[Tensor, bool]:
        num = self._plan.micro_batches
        size = self._plan.batch_size // num
        total = tree_sum(
            self._branch(step * num + k, step, slice(k * size, (k + 1) * size))
            for k in self._ranks.part_of(num)
        )
        if self._ranks.num > 1:
            total, asked = self._with_others(total, asked)
        *gradients, loss = total
        assert loss is not None
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            # A power of two: dividing rounds nothing.
            parameter.grad = gradient if gradient is None or num == 1 else gradient / num
        return loss / num, asked

    def _branch(self, noise: int, step: int, part: slice) -> Sum:
        for parameter in self._parameters:
            parameter.grad = None
        loss = self._losses.of(step, part, noise)
        with blaming(type(self._prior), "training_loss"):
            loss.backward()
        return [*(parameter.grad for parameter in self._parameters), loss.detach()]

    def _with_others(self, mine: Sum, asked: bool) -> tuple[Sum, bool]:
        *gradients, loss = mine
        assert loss is not None
        flags = [float(asked), *(float(gradient is not None) for gradient in gradients)]
        flat = torch.cat(
            [
                loss.float().view(1),
                torch.tensor(flags, device=loss.device),
                *(
                    (torch.zeros_like(p) if g is None else g).flatten().float()
                    for p, g in zip(self._parameters, gradients, strict=True)
                ),
            ]
        )
        sums = self._ranks.total(flat)
        head = sums[: 1 + len(flags)].tolist()
        pieces = sums[1 + len(flags) :].split([p.numel() for p in self._parameters])
        total: Sum = [
            piece.view_as(parameter).to(parameter.dtype) if some else None
            for some, parameter, piece in zip(head[2:], self._parameters, pieces, strict=True)
        ]
        return [*total, sums[0]], bool(head[1])


class FastGradients:
    """DDP: one part of the batch for each process, sums while others are still computed."""

    def __init__(self, prior: Prior, plan: TrainingPlan, feed: Feed, ranks: Ranks) -> None:
        ids = [prior.device] if prior.device.type == "cuda" else None
        # Some weights of a prior may learn later, as those of onestep do.
        self._wrapped = DistributedDataParallel(prior, device_ids=ids, find_unused_parameters=True)
        self._losses = _Losses(self._wrapped, prior, plan, feed)
        self._prior, self._plan, self._ranks = prior, plan, ranks

    def compute(self, step: int, asked: bool) -> tuple[Tensor, bool]:
        rank, num = self._ranks.rank, self._ranks.num
        size = self._plan.batch_size // num
        self._wrapped.zero_grad(set_to_none=True)
        loss = self._losses.of(step, slice(rank * size, (rank + 1) * size), step * num + rank)
        with self._ranks.waiting(), blaming(type(self._prior), "training_loss"):
            loss.backward()
        sums = self._ranks.total(torch.stack([loss.detach().float(), loss.new_tensor(asked)]))
        return sums[0] / num, bool(sums[1])


class _Losses:
    """The loss of some rows of a step, with a gradient."""

    def __init__(
        self, module: torch.nn.Module, prior: Prior, plan: TrainingPlan, feed: Feed
    ) -> None:
        self._module, self._feed, self._seed = module, feed, plan.seed
        self._device = prior.device.type
        num_parameters = sum(parameter.numel() for parameter in prior.parameters())
        self._bf16 = self._device == "cuda" and num_parameters >= BF16_PARAMETERS

    def of(self, step: int, part: slice, noise: int) -> Tensor:
        embeddings, latents = self._feed.batch(step, part)
        with torch.autocast(self._device, torch.bfloat16, enabled=self._bf16):
            loss: Tensor = self._module(embeddings, latents, rng_of(self._seed, "step", noise))
        return loss


def tree_sum(leaves: Iterable[Sum]) -> Sum:
    """The sum of lists of tensors, as a binary tree; at most one sum of each height is kept."""
    heights: list[tuple[int, Sum]] = []
    for leaf in leaves:
        heights.append((0, leaf))
        while len(heights) > 1 and heights[-1][0] == heights[-2][0]:
            (height, right), (_, left) = heights.pop(), heights.pop()
            heights.append((height + 1, _add(left, right)))
    [(_, total)] = heights
    return total


def _add(left: Sequence[Tensor | None], right: Sequence[Tensor | None]) -> Sum:
    both = [i for i, (a, b) in enumerate(zip(left, right, strict=True))
            if a is not None and b is not None]  # fmt: skip
    total = [b if a is None else a for a, b in zip(left, right, strict=True)]
    sums = torch._foreach_add([left[i] for i in both], [right[i] for i in both])  # type: ignore[misc, arg-type]
    for i, value in zip(both, sums, strict=True):
        total[i] = value
    return total
