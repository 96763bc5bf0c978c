"""What the priors share that read embeddings through a ``Gap``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from c2l import Prior, PriorSettings, check_pairs
from c2l.ranges import Adherence, Share, Size
from c2l_priors.clouds import Clouds, candidates
from c2l_priors.gap import AUTO, Bridge, Gap, Ingredients

CAME_WITH_BLUR = ("text_noise", "pull", "nearest")


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
        gap: ingredients, or ``auto``: ``fit`` puts those in its place that the embeddings suggest,
            and training those that draw best.
        noise: the longest noise added to unit embeddings.
        text_noise: how noisy a text is said to be, as a part of ``noise``.
        adherence: the default of ``sample`` for text.
        pull: how far a projection, or neighbours, move a text.
        nearest: the share of stored pictures that neighbours are among.
    """

    gap: Bridge = AUTO
    noise: Size = 1.0
    text_noise: Share = 1.0
    adherence: Adherence = 0.25
    pull: Share = 0.5
    nearest: Share = 0.005

    def new_gap(self) -> Gap:
        return Gap(self.embedding_width, **self.bridge())

    def bridge(self) -> dict[str, Any]:
        """What decides the gap besides its width."""
        return {
            "ingredients": "blur" if self.gap == AUTO else self.gap,
            "noise": self.noise,
            "text_noise": self.text_noise,
            "adherence": self.adherence,
            "pull": self.pull,
            "nearest": self.nearest,
        }


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


class NoisyGapPrior(GapPrior):
    """A prior that is trained with noise on its embeddings, and can leave its bridge open."""

    Settings = NoisyGapSettings
    config: NoisyGapSettings

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._candidates: Sequence[Mapping[str, Any]] = ()
        self._clouds: Clouds | None = None

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        if self.config.gap != AUTO:
            return
        if texts is not None and len(texts):
            self._clouds = Clouds.measure(embeddings, texts)
        # What was set stays as it was set.
        kept = self.config.model_fields_set - {"gap"}
        found: list[Mapping[str, Any]] = []
        for candidate in candidates(self._clouds):
            free = {name: value for name, value in candidate.items() if name not in kept}
            if free not in found:
                found.append(free)
        self._candidates = found
        self.adopt(found[0])

    def settings(self) -> Mapping[str, Any]:
        """Without blur, those that came with it are left out at their defaults.

        So files from before it keep their fingerprints.
        """
        settings, config = super().settings(), self.config
        if config.gap == AUTO or "blur" in config.gap:
            return settings
        return {
            name: value
            for name, value in settings.items()
            if name not in CAME_WITH_BLUR or value != type(config).model_fields[name].default
        }

    def sampling_candidates(self) -> Sequence[Mapping[str, Any]]:
        return self._candidates

    def sampling_evidence(self) -> Mapping[str, float]:
        if self._clouds is None:
            return {}
        return {name: round(value, 4) for name, value in asdict(self._clouds).items()}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        self.config = type(self.config)(**{**self.settings(), **settings})
        self.gap.change(**self.config.bridge())
