"""Regression of the latent, with a spread: the plainest prior that a network can be.

One pass gives the mean of all latents that fit an embedding and how far each dimension strays from
it. What a prompt leaves open is averaged in the mean; a sample strays by seed, each dimension on
its own, which is all that a Gaussian without correlations knows of what goes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from c2l.sample_options import Modality
from c2l_priors.base import GapPrior
from c2l_priors.checks import Count, Share, Size, check_embeddings, check_seeds
from c2l_priors.gap import DEFAULT_ADHERENCE, DEFAULT_GAP, DEFAULT_NOISE
from c2l_priors.network import ModulatedMLP, PromptEncoder
from c2l_priors.scaling import LatentScale
from c2l_priors.seeds import SeededNormal

SMALLEST_SPREAD = 0.03
"""Of a standardised dimension: below it the likelihood would reward nothing but narrowness."""


class MLPPrior(GapPrior):
    """A Gaussian around the mean latent of an embedding, in one pass.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        hidden: width of the network.
        num_blocks: its residual blocks.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
        noise: the longest noise added to unit embeddings.
        adherence: the default of ``sample``.
        spread: how far samples stray, as a part of what was learnt; 0 gives every seed the mean.
    """

    supported_options: ClassVar[frozenset[str]] = frozenset({"adherence"})

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        hidden: Count = 256,
        num_blocks: Count = 3,
        gap: str = DEFAULT_GAP,
        noise: Size = DEFAULT_NOISE,
        adherence: Share = DEFAULT_ADHERENCE,
        spread: Size = 0.5,
    ) -> None:
        super().__init__(
            embedding_width=embedding_width,
            num_codes=num_codes,
            latent_width=latent_width,
            gap=gap,
            noise=noise,
            adherence=adherence,
        )
        self.hidden = hidden
        self.num_blocks = num_blocks
        self.spread = spread
        self.scale = LatentScale(num_codes, latent_width)
        rows = ModulatedMLP.num_modulations(num_blocks)
        self.prompt = PromptEncoder(embedding_width, hidden, rows)
        self.network = ModulatedMLP(hidden, 2 * self.latent_size, num_blocks)

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        clean = self.scale(latents.to(self.device))
        mean, spread = self._predict(*self.gap.show(embeddings, rng))
        # Each dimension's likelihood weighted by its spread (beta-NLL, Seitzer et al. 2022, arXiv
        # 2203.09168): plain likelihood neglects the mean where it is uncertain.
        likelihood = 0.5 * ((clean - mean) / spread).square() + spread.log()
        return (likelihood * spread.detach()).mean()

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
        normal = SeededNormal(seeds, self.device)
        mean, spread = self._predict(*self.gap.ask(embeddings, modality, adherence, normal))
        return self.scale.inverse(mean + self.spread * spread * normal(self.latent_size))

    def _predict(self, unit: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the standardised latents, (B, K * D) each."""
        condition = self.prompt(unit, levels)
        mean, spread = self.network(condition.start, condition.modulation).float().chunk(2, dim=1)
        return mean, SMALLEST_SPREAD + nn.functional.softplus(spread)
