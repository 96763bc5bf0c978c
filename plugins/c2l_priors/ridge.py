"""A linear map from embedding to latent: solved, not trained, and the floor for every network.

Samples stray from the line as the pairs do: by a Gaussian of the covariance that the map leaves.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, N pairs.

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from c2l.sample_options import Modality
from c2l_priors.base import GapPrior
from c2l_priors.checks import Size, check_embeddings, check_seeds
from c2l_priors.scaling import LatentScale
from c2l_priors.seeds import SeededNormal


class RidgePrior(GapPrior):
    """Linear regression with a penalty, in closed form.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        penalty: on the map, as a part of the mean variance of the embeddings.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
        spread: how far samples stray, as a part of what the map leaves; 0 gives every seed the
            same latent.
    """

    trains_by_gradient: ClassVar[bool] = False
    supported_options: ClassVar[frozenset[str]] = frozenset()
    map: Tensor
    offset: Tensor
    residual: Tensor

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        penalty: Size = 0.1,
        gap: str = "centring",
        spread: Size = 0.5,
    ) -> None:
        super().__init__(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            gap=gap,
        )
        self.penalty = penalty
        self.spread = spread
        size = self.latent_size
        self.scale = LatentScale(num_codes, latent_width)
        self.register_buffer("map", torch.zeros(embedding_width, size))
        self.register_buffer("offset", torch.zeros(size))
        self.register_buffer("residual", torch.zeros(size, size))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.scale.fit(latents)
        x = self.gap.unit(embeddings, "image").double()
        y = self.scale(latents.to(self.device)).double()
        offset = x.mean(dim=0)
        covariance = (x - offset).T @ (x - offset) / len(x)
        even = covariance.diagonal().mean().clamp_min(1e-12) * torch.eye(len(covariance)).to(x)
        solved = torch.linalg.solve(
            covariance + self.penalty * even, (x - offset).T @ (y - y.mean(dim=0)) / len(x)
        )
        self.map.copy_(solved)
        self.offset.copy_(y.mean(dim=0) - offset @ solved)
        left = y - self.offset - x @ solved
        values, vectors = torch.linalg.eigh(left.T @ left / len(x))
        self.residual.copy_((vectors * values.clamp_min(0).sqrt()) @ vectors.T)

    @torch.no_grad()
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
        adherence: float | None = None,
        negative: Tensor | None = None,
        modality: Modality = "text",
    ) -> Tensor:
        check_embeddings(embeddings, self.embedding_width)
        check_seeds(seeds, len(embeddings))
        stray = SeededNormal(seeds, self.device)(self.latent_size) @ self.residual
        mean = self.gap.unit(embeddings, modality) @ self.map + self.offset
        return self.scale.inverse(mean + self.spread * stray)
