"""Nearest stored pairs: no training, and the baseline that every trained prior must beat.

The answer to a prompt is the latent of a picture whose embedding lies near it. Embeddings are
compared by the cosine around the mean of their modality: without centring, all pictures of one
generator are nearly equally near to any text.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, M stored pairs.

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from c2l.prior_file import PriorCard
from c2l.sample_options import Modality
from c2l_priors.base import GapPrior
from c2l_priors.checks import Count, Positive, check_embeddings, check_seeds


class NeighboursPrior(GapPrior):
    """The latent of a stored picture near the prompt; the seed picks among the nearest.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        num_stored: at most so many pairs are kept, the first ones; after ``fit``, how many are.
        num_nearest: how many of them a seed picks from.
        temperature: of the pick, in units of the cosine: nearer ones are likelier.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
    """

    trains_by_gradient: ClassVar[bool] = False
    supported_options: ClassVar[frozenset[str]] = frozenset()
    directions: Tensor
    latents: Tensor

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        num_stored: Count = 20_000,
        num_nearest: Count = 8,
        temperature: Positive = 0.05,
        gap: str = "centring",
    ) -> None:
        super().__init__(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            gap=gap,
        )
        self.num_stored = num_stored
        self.num_nearest = num_nearest
        self.temperature = temperature
        self.register_buffer("directions", torch.zeros(num_stored, embedding_width))
        self.register_buffer("latents", torch.zeros(num_stored, num_codes, latent_width))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.num_stored = min(self.num_stored, len(latents))
        for statistics in self.gap.buffers():
            statistics.copy_(_to_half(statistics))
        self.directions = _to_half(self.gap.unit(embeddings[: self.num_stored], "image"))
        self.latents = _to_half(latents[: self.num_stored].to(self.device))

    def save(self, path: Path, card: PriorCard, *, half: bool = True) -> None:
        """As every prior; always in float16, to which ``fit`` has already rounded."""
        super().save(path, card, half=True)

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
        asked = self.gap.unit(embeddings, modality)
        near = (asked @ self.directions.T).topk(min(self.num_nearest, self.num_stored), dim=1)
        weights = (near.values / self.temperature).softmax(dim=1).cpu()
        picked = [
            int(torch.multinomial(row, 1, generator=torch.Generator().manual_seed(seed)))
            for row, seed in zip(weights, seeds, strict=True)
        ]
        rows = near.indices.gather(1, torch.tensor(picked, device=self.device)[:, None])
        return self.latents[rows[:, 0]].float()


def _to_half(values: Tensor) -> Tensor:
    """Rounded to what float16 can hold, still float32."""
    return values.half().float()
