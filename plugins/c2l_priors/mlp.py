"""Regression of the latent: the plainest prior.

It answers with the mean of all latents that fit an embedding. What a prompt leaves open is
therefore averaged, and every seed gives the same latent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l.prior import Prior
from c2l_priors.conditioning import add_noise, check_embeddings, check_pairs, check_seeds
from c2l_priors.network import ModulatedMLP
from c2l_priors.scaling import LatentScale


class MLPPrior(Prior):
    """The mean latent of an embedding, in one pass.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        hidden: width of the network.
        num_blocks: its residual blocks.
        noise: length of the noise added to unit embeddings while training.
    """

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        hidden: int = 256,
        num_blocks: int = 3,
        noise: float = 0.75,
    ) -> None:
        super().__init__()
        self.embedding_width = embedding_width
        self.num_codes = num_codes
        self.latent_width = latent_width
        self.hidden = hidden
        self.num_blocks = num_blocks
        self.noise = noise
        self.scale = LatentScale(num_codes, latent_width)
        self.embedding = nn.Linear(embedding_width, hidden)
        self.start = nn.Parameter(torch.zeros(num_codes * latent_width))
        self.network = ModulatedMLP(num_codes * latent_width, hidden, num_blocks)

    def settings(self) -> Mapping[str, Any]:
        return {
            "embedding_width": self.embedding_width,
            "num_codes": self.num_codes,
            "latent_width": self.latent_width,
            "hidden": self.hidden,
            "num_blocks": self.num_blocks,
            "noise": self.noise,
        }

    def fit(self, embeddings: Tensor, latents: Tensor) -> None:
        shape = (self.num_codes, self.latent_width)
        check_pairs(embeddings, latents, self.embedding_width, shape)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        unit = F.normalize(embeddings.to(self.device), dim=1)
        predicted = self._predict(add_noise(unit, self.noise, rng))
        return F.mse_loss(predicted.float(), self.scale(latents.to(self.device)))

    @torch.no_grad()
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
    ) -> Tensor:
        check_embeddings(embeddings, self.embedding_width)
        check_seeds(seeds, len(embeddings))
        return self.scale.inverse(self._predict(F.normalize(embeddings.to(self.device), dim=1)))

    def _predict(self, unit: Tensor) -> Tensor:
        # Unit vectors have components of about 1 / sqrt(E); layers like theirs near 1.
        encoded = self.embedding(unit * self.embedding_width**0.5)
        out: Tensor = self.network(self.start.expand(len(unit), -1), encoded)
        return out
