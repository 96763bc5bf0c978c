"""The residual network that the trained priors share.

A stack of two-layer residual blocks on a flat vector. Prompt and time enter each block as shift
and scale after the normalisation, and as a gate on the way out that starts at zero (AdaLN-zero;
Peebles & Xie 2022, arXiv 2212.09748). Their parts are added, not mixed, so that the prompt's is
computed once for all steps and the time's once for all samples.
"""

# Letters: B batch, E embedding width, H hidden width, M modulating vectors, T times.

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BOTTLENECK = 128
"""What modulates all blocks is as wide as this at its narrowest."""


class Condition(NamedTuple):
    """What a prompt does to the network: added where it starts, (B, H), and (B, M, H) within."""

    start: Tensor
    modulation: Tensor

    def and_then(self, other: Condition) -> Condition:
        """Both, one batch after the other."""
        return Condition(*(torch.cat(pair) for pair in zip(self, other, strict=True)))


class PromptEncoder(nn.Module):
    """Unit embeddings and their noise levels to a ``Condition``.

    Args:
        embedding_width: E.
        hidden: H.
        num_modulations: M.
        num_classes: 0 for none.
    """

    def __init__(
        self, embedding_width: int, hidden: int, num_modulations: int, num_classes: int = 0
    ) -> None:
        super().__init__()
        self.embedding_width = embedding_width
        self.embedding = nn.Linear(embedding_width, hidden)
        self.level = nn.Linear(1, hidden, bias=False)
        self.start = nn.Linear(hidden, hidden)
        self.narrow = nn.Linear(hidden, BOTTLENECK)
        self.modulation = _zero(nn.Linear(BOTTLENECK, num_modulations * hidden))
        self.nothing = nn.Parameter(torch.zeros(hidden))
        self.label = nn.Parameter(torch.zeros(num_classes, hidden)) if num_classes else None

    def forward(
        self,
        unit: Tensor,
        levels: Tensor,
        shown: Tensor | None = None,
        classes: Tensor | None = None,
    ) -> Condition:
        """Unit embeddings (B, E) and levels (B,); where ``shown`` (B,) is False, no prompt.

        Args:
            classes: int64, (B,), -1 where the prompt alone chooses.
        """
        # Unit vectors have components of about 1 / sqrt(E); layers like theirs near 1.
        encoded = self.embedding(unit * self.embedding_width**0.5) + self.level(levels[:, None])
        if shown is not None:
            encoded = torch.where(shown[:, None], encoded, self.nothing)
        if classes is not None and self.label is not None:
            classes = classes.to(encoded.device)
            told = self.label[classes.clamp_min(0)]
            encoded = encoded + torch.where(classes[:, None] >= 0, told, torch.zeros_like(told))
        return self._condition(encoded)

    def no_prompt(self, num: int) -> Condition:
        """The condition of B = ``num`` samples without any prompt."""
        start, modulation = self._condition(self.nothing[None])
        return Condition(start.expand(num, -1), modulation.expand(num, -1, -1))

    def _condition(self, encoded: Tensor) -> Condition:
        encoded = F.silu(encoded)
        start = self.start(encoded)
        modulation = self.modulation(F.silu(self.narrow(encoded)))
        return Condition(start, modulation.unflatten(1, (-1, start.shape[1])))


class TimeEncoder(nn.Module):
    """Times in [0, 1] to what they add to the modulation, through sines and cosines.

    Args:
        hidden: H.
        num_modulations: M.
        num_frequencies: from a quarter turn over [0, 1] up to a hundred turns, geometrically.
    """

    frequencies: Tensor

    def __init__(self, hidden: int, num_modulations: int, num_frequencies: int = 64) -> None:
        super().__init__()
        self.hidden = hidden
        lowest, highest = math.log(0.25), math.log(100.0)
        exponents = torch.linspace(lowest, highest, num_frequencies, device="cpu")
        self.register_buffer("frequencies", 2 * math.pi * exponents.exp(), persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * num_frequencies, BOTTLENECK),
            nn.SiLU(),
            nn.Linear(BOTTLENECK, BOTTLENECK),
            nn.SiLU(),
        )
        self.modulation = _zero(nn.Linear(BOTTLENECK, num_modulations * hidden))

    def forward(self, times: Tensor) -> Tensor:
        """``times`` (T,) to (T, M, H)."""
        angles = times[:, None] * self.frequencies
        out: Tensor = self.modulation(self.mlp(torch.cat([angles.cos(), angles.sin()], dim=1)))
        return out.unflatten(1, (-1, self.hidden))


class Block(nn.Module):
    """One residual block of width H."""

    def __init__(self, hidden: int, expansion: int) -> None:
        super().__init__()
        self.widen = nn.Linear(hidden, expansion * hidden)
        self.narrow = nn.Linear(expansion * hidden, hidden)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor, gate: Tensor) -> Tensor:
        y = torch.addcmul(shift, F.layer_norm(x, x.shape[1:]), 1 + scale)
        return torch.addcmul(x, gate, self.narrow(F.silu(self.widen(y))))


class ModulatedMLP(nn.Module):
    """A hidden vector to a flat vector, under a modulation.

    Args:
        hidden: H.
        width: of what comes out.
        num_blocks: how many residual blocks.
        expansion: how much wider a block is inside.
    """

    def __init__(self, hidden: int, width: int, num_blocks: int, expansion: int = 2) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden, expansion) for _ in range(num_blocks))
        self.leave = _zero(nn.Linear(hidden, width))

    @staticmethod
    def num_modulations(num_blocks: int) -> int:
        """M: three vectors for each block, two on the way out."""
        return 3 * num_blocks + 2

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """``x`` (B, H) and ``modulation`` (B, M, H) or (1, M, H) to (B, width)."""
        rows = modulation.unbind(dim=1)
        for i, block in enumerate(self.blocks):
            x = block(x, *rows[3 * i : 3 * i + 3])
        shift, scale = rows[-2:]
        out: Tensor = self.leave(torch.addcmul(shift, F.layer_norm(x, x.shape[1:]), 1 + scale))
        return out


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
