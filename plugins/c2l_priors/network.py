"""The residual network that the trained priors share.

A stack of two-layer residual blocks on a flat vector, each modulated by the condition: shift and
scale after the normalisation, and a gate on the way out that starts at zero (AdaLN-zero; Peebles
& Xie 2022, arXiv 2212.09748), so that the untrained stack is the identity.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """One residual block of width ``hidden`` under a condition of width ``hidden``."""

    def __init__(self, hidden: int, expansion: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(hidden, 3 * hidden)
        self.widen = nn.Linear(hidden, expansion * hidden)
        self.narrow = nn.Linear(expansion * hidden, hidden)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        shift, scale, gate = self.modulation(condition).chunk(3, dim=1)
        y = F.layer_norm(x, x.shape[1:]) * (1 + scale) + shift
        return x + gate * self.narrow(F.silu(self.widen(y)))


class ModulatedMLP(nn.Module):
    """A flat vector and a condition to a flat vector.

    Args:
        width: of the vector, in and out.
        hidden: of the stack and of the condition.
        num_blocks: how many residual blocks.
        expansion: how much wider a block is inside.
    """

    def __init__(self, width: int, hidden: int, num_blocks: int, expansion: int = 2) -> None:
        super().__init__()
        self.enter = nn.Linear(width, hidden)
        self.blocks = nn.ModuleList(Block(hidden, expansion) for _ in range(num_blocks))
        self.modulation = nn.Linear(hidden, 2 * hidden)
        self.leave = nn.Linear(hidden, width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """``x`` (B, width) and ``condition`` (B, hidden) to (B, width)."""
        condition = F.silu(condition)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x, condition)
        shift, scale = self.modulation(condition).chunk(2, dim=1)
        out: Tensor = self.leave(F.layer_norm(x, x.shape[1:]) * (1 + scale) + shift)
        return out


class TimeEmbedding(nn.Module):
    """Times in [0, 1] to vectors: sines and cosines, then two layers."""

    frequencies: Tensor

    def __init__(self, hidden: int, num_frequencies: int = 64) -> None:
        super().__init__()
        # From a quarter turn over [0, 1] up to about a hundred turns, geometrically.
        exponents = torch.linspace(math.log(0.25), math.log(100.0), num_frequencies)
        self.register_buffer("frequencies", 2 * math.pi * exponents.exp(), persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * num_frequencies, hidden), nn.SiLU(), nn.Linear(hidden, hidden)
        )

    def forward(self, times: Tensor) -> Tensor:
        """``times`` (B,) to (B, hidden)."""
        angles = times[:, None] * self.frequencies
        out: Tensor = self.mlp(torch.cat([angles.cos(), angles.sin()], dim=1))
        return out
