"""Muon: momentum whose update is made orthogonal, for convolutions.

Few steps are all that a CPU can pay for, and on convolutions Muon needs fewer than Adam.
Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/; the update's size follows
Liu et al. 2025, https://arxiv.org/abs/2502.16982, so that Adam's learning rates carry over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


def orthogonalise(matrix: Tensor) -> Tensor:
    """Push the singular values of (R, C) towards 1, by five Newton-Schulz steps."""
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / float(x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * (gram @ gram)) @ x
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, over weights of two or more dimensions (rows first)."""

    def __init__(
        self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every weight that has a gradient."""
        if closure is not None:
            raise NotImplementedError("Muon takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state: dict[str, Any] = self.state[weight]
                if "mean" not in state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"]
                mean.lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(mean, group["momentum"])
                update = orthogonalise(ahead.reshape(len(ahead), -1))
                size = 0.2 * math.sqrt(max(update.shape))
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * size)
