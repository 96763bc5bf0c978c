"""The settings of a prior that has a bridge."""

from __future__ import annotations

from typing import Any, Self

from pydantic import model_validator

from c2l.bridge.bridge import FEWEST_STORED
from c2l.bridge.ingredients import AUTO, Ingredients, OpenIngredients
from c2l.prior_settings import PriorSettings
from c2l.ranges import Adherence, Count, Share, Size


class FixedBridgeSettings(PriorSettings):
    """Settings of a prior whose bridge has no noise, or none to choose.

    Args:
        gap: ingredients of the bridge from text to pictures, see ``Bridge``.
    """

    gap: Ingredients = "centring"

    def bridge(self) -> dict[str, Any]:
        """What decides the bridge besides its width."""
        return {"ingredients": self.gap}


class BridgeSettings(FixedBridgeSettings):
    """Settings of a prior whose bridge is chosen once it is trained, by what it draws.

    Args:
        gap: ingredients, or ``auto``: ``fit`` replaces it by what the embeddings suggest, and
            training by what draws best.
        noise: the longest noise added to unit embeddings.
        text_noise: how noisy a text is said to be, as a part of ``noise``.
        adherence: the default of ``sample`` for text.
        pull: how far a projection, or neighbours, move a text.
        nearest: the share of stored pictures that neighbours are among, at least.
        slack: and those that fit as well but for such a part.
        stored: how many pictures of the pairs the bridge keeps.
        retrieval: whether to answer with latents of stored pictures that fit, instead of what the
            prior would draw. ``auto`` does so where a network cannot learn latents from embeddings.
    """

    gap: OpenIngredients = AUTO
    noise: Size = 1.0
    text_noise: Share = 1.0
    adherence: Adherence = 0.25
    pull: Share = 0.5
    nearest: Share = 0.005
    slack: Share = 0.0
    stored: Count = FEWEST_STORED
    retrieval: bool = False

    @model_validator(mode="after")
    def _retrieves_what_is_stored(self) -> Self:
        if self.retrieval and self.gap != AUTO and "blur" not in self.gap:
            raise ValueError("retrieval goes with blur")
        if self.retrieval and self.num_classes:
            raise ValueError("retrieval does not heed classes")
        return self

    def bridge(self) -> dict[str, Any]:
        return {
            "ingredients": "blur" if self.gap == AUTO else self.gap,
            "noise": self.noise,
            "text_noise": self.text_noise,
            "adherence": self.adherence,
            "pull": self.pull,
            "nearest": self.nearest,
            "slack": self.slack,
            "stored": self.stored,
        }
