"""What the priors share that read embeddings through a ``Gap``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from c2l.prior import Prior
from c2l_priors.checks import Share, Size, check_pairs
from c2l_priors.gap import Gap


class GapPrior(Prior):
    """A prior with a gap.

    A subclass keeps every argument of its constructor as an attribute of the same name, but for
    ``gap``, which becomes the module.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        gap: ingredients of the bridge from text to pictures, see ``c2l_priors.gap``.
        noise: the longest noise added to unit embeddings.
        adherence: the default of ``sample``.
    """

    def __init__(
        self,
        *,
        embedding_width: int,
        num_codes: int,
        latent_width: int,
        gap: str,
        noise: Size = 0.0,
        adherence: Share = 1.0,
    ) -> None:
        super().__init__()
        self.embedding_width = embedding_width
        self.num_codes = num_codes
        self.latent_width = latent_width
        self.noise = noise
        self.adherence = adherence
        self.gap = Gap(embedding_width, ingredients=gap, noise=noise, adherence=adherence)

    @property
    def latent_size(self) -> int:
        """K * D, the numbers of one latent."""
        return self.num_codes * self.latent_width

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "gap": self.gap.ingredients}

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        shape = (self.num_codes, self.latent_width)
        check_pairs(embeddings, latents, self.embedding_width, shape, texts)
        self.gap.fit(embeddings, texts)
