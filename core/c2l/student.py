"""A small network that guesses how the embedder would see the picture of a latent.

Trained on the same pairs as a prior, the other way round, it ranks hundreds of candidates without
rendering one of them. It is stored in the prior's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Student(nn.Module):
    """Latents to the embeddings of their pictures.

    Args:
        num_codes, latent_width: K and D of the latents.
        embedding_width: E.
        hidden: width of its residual blocks.
        num_blocks: how many.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        num_codes: int,
        latent_width: int,
        embedding_width: int,
        hidden: int = 256,
        num_blocks: int = 2,
    ) -> None:
        super().__init__()
        self.num_codes = num_codes
        self.latent_width = latent_width
        self.embedding_width = embedding_width
        self.hidden = hidden
        self.num_blocks = num_blocks
        self.register_buffer("mean", torch.zeros(num_codes, latent_width))
        self.register_buffer("std", torch.ones(num_codes, latent_width))
        self.enter = nn.Linear(num_codes * latent_width, hidden)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(hidden),
                nn.Linear(hidden, 2 * hidden),
                nn.SiLU(),
                nn.Linear(2 * hidden, hidden),
            )
            for _ in range(num_blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, embedding_width))

    def settings(self) -> Mapping[str, Any]:
        """The keyword arguments that build this student again, JSON-able."""
        return {
            "num_codes": self.num_codes,
            "latent_width": self.latent_width,
            "embedding_width": self.embedding_width,
            "hidden": self.hidden,
            "num_blocks": self.num_blocks,
        }

    def fit_scale(self, latents: Tensor) -> None:
        """Take mean and standard deviation of latents, float32, shape (N, K, D)."""
        std, mean = torch.std_mean(latents, dim=0, correction=0)
        self.mean.copy_(mean)
        self.std.copy_(std.clamp_min(1e-3 * float(std.square().mean().sqrt()) or 1.0))

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (B, K, D) to unit embeddings (B, E)."""
        x = self.enter(((latents - self.mean) / self.std).flatten(1))
        for block in self.blocks:
            x = x + block(x)
        return F.normalize(self.leave(x), dim=1)
