"""What the priors share that read embeddings through a ``Gap``."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from c2l import Prior, PriorSettings, check_pairs
from c2l.ranges import Adherence, Size
from c2l_priors.gap import Gap, Ingredients


class GapSettings(PriorSettings):
    """Settings of a prior with a gap.

    Args:
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
    """

    gap: Ingredients = "centring"

    def new_gap(self) -> Gap:
        return Gap(self.embedding_width, ingredients=self.gap)


class NoisyGapSettings(GapSettings):
    """Settings of a prior that is trained with noise on its embeddings.

    Args:
        noise: the longest noise added to unit embeddings.
        adherence: the default of ``sample`` for text.
    """

    gap: Ingredients = "centring+noise+projection"
    noise: Size = 1.0
    adherence: Adherence = 0.25

    def new_gap(self) -> Gap:
        return Gap(
            self.embedding_width,
            ingredients=self.gap,
            noise=self.noise,
            adherence=self.adherence,
        )


class GapPrior(Prior):
    """A prior with a gap."""

    Settings = GapSettings
    config: GapSettings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.gap = self.config.new_gap()

    @property
    def latent_size(self) -> int:
        """K * D, the numbers of one latent."""
        return self.config.num_codes * self.config.latent_width

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        check_pairs(self.config, embeddings, latents, texts)
        self.gap.fit(embeddings, texts)
