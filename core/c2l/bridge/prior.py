"""A prior with a bridge: what it takes to be trained on pictures and asked with text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from c2l.blending import slerp
from c2l.bridge.bridge import FEWEST_STORED, MOST_STORED, Bridge
from c2l.bridge.clouds import Clouds, candidates, candidates_near
from c2l.bridge.ingredients import AUTO
from c2l.bridge.settings import BridgeSettings, FixedBridgeSettings
from c2l.errors import BadInput
from c2l.prior import Prior
from c2l.prior_checks import check_pairs
from c2l.sample_options import SampleOptions
from c2l.seeds import SeededNormal

CAME_WITH_BLUR = ("text_noise", "pull", "nearest")
CAME_LATER = ("stored", "slack", "retrieval")

RETRIEVAL_DOUBT = 2.0
"""Of stored latents, which draw nothing new: they have to fit far better than what a network draws.
Where it learns, they do not; where it does not, a quarter as many do not fit
(``benchmarks/resistance.md``, ``benchmarks/held_out.md``)."""

MOST_NUMBERS = 2**26
"""Of all stored latents together, 128 MB in float16."""


class BridgedPrior(Prior):
    """A prior that reads embeddings through a ``Bridge``.

    ``Settings`` of a subclass extend ``BridgeSettings``, whose ``gap="auto"`` lets training choose
    the bridge by what the prior draws for prompts; or ``FixedBridgeSettings``. What a subclass does
    itself:

    - ``fit`` calls this one's, and reads pictures by ``self.bridge.unit(embeddings, "image")``;
    - ``training_loss``, if there is any, reads them by ``self.bridge.show(embeddings, rng)``;
    - ``_sample`` reads what is asked for by ``self.bridge.ask(embeddings, options)``, which heeds
      negative prompts and adherence.

    With ``retrieval``, stored latents are the answer, and ``_sample`` is called only for samples
    near given latents.
    """

    Settings = BridgeSettings
    config: FixedBridgeSettings
    supported_options: ClassVar[frozenset[str]] = frozenset({"adherence", "negative"})
    stored_latents: Tensor | None
    """Of the bridge's stored pictures, float16, (S, K, D), where ``retrieval`` is or may be."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Named in files as its setting is.
        self.add_module("gap", Bridge(self.config.embedding_width, **self.config.bridge()))
        empty = None
        if self._retrieves:
            shape = len(self.bridge.stored), self.config.num_codes, self.config.latent_width
            empty = torch.zeros(shape, dtype=torch.float16)
        self._keep(empty)
        self._candidates: Sequence[Mapping[str, Any]] = ()
        self._clouds: Clouds | None = None
        self._kept: Set[str] = frozenset()
        self._num_pictures = 0

    @property
    def bridge(self) -> Bridge:
        """From embeddings to what the prior reads."""
        return cast(Bridge, self.gap)

    @property
    def _retrieves(self) -> bool:
        return isinstance(self.config, BridgeSettings) and self.config.retrieval

    @property
    def ignored_options(self) -> frozenset[str]:
        unused = super().ignored_options
        return unused | {"guidance", "steps", "negative_by"} if self._retrieves else unused

    @property
    def latent_size(self) -> int:
        """K * D, the numbers of one latent."""
        return self.config.num_codes * self.config.latent_width

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        """Check the pairs and fit the bridge; a subclass goes on from there."""
        check_pairs(self.config, embeddings, latents, texts)
        self.bridge.fit(embeddings, texts)
        if self._retrieves or self._may_retrieve:
            rows = torch.arange(len(self.bridge.stored)) % len(latents)
            self._keep(latents[rows].half().to(self.device))
        if self.config.gap != AUTO:
            return
        if texts is not None and len(texts):
            self._clouds = Clouds.measure(embeddings, texts)
        self._kept = self.config.model_fields_set - {"gap"}
        self._num_pictures = min(len(embeddings), len(self.bridge.stored))
        found = candidates(self._clouds, self._num_pictures)
        self._candidates = self._free([c for c in found if self._can(c)])
        self.adopt(self._candidates[0])

    @property
    def _may_retrieve(self) -> bool:
        """Whether ``gap="auto"`` may choose stored latents: few enough, and of no classes."""
        config = self.config
        open_ = isinstance(config, BridgeSettings) and config.gap == AUTO
        fits = open_ and len(self.bridge.stored) * self.latent_size <= MOST_NUMBERS
        return fits and not config.num_classes

    def _can(self, candidate: Mapping[str, Any]) -> bool:
        return self._may_retrieve or not candidate["retrieval"]

    def _keep(self, latents: Tensor | None) -> None:
        """Only those that answer are in files."""
        self.register_buffer("stored_latents", latents, persistent=self._retrieves)

    def _answer(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        if not self._retrieves or options.near is not None:
            return super()._answer(embeddings, options)
        start = self._retrieve(embeddings, options)
        towards = options.towards
        if towards is None:
            return start
        there = dataclasses.replace(
            options,
            seeds=towards.seeds,
            modality=towards.modality or options.modality,
            towards=None,
        )
        end = self._retrieve(towards.embeddings, there)
        at = torch.tensor(towards.at, device=end.device)[:, None]
        return slerp(start.flatten(1), end.flatten(1), at).view_as(end)

    def _retrieve(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        """Stored latents whose pictures fit, (B, K, D)."""
        assert self.stored_latents is not None
        normal = SeededNormal(options.seeds, self.device)
        return self.stored_latents[self.bridge.retrieve(embeddings, options, normal)].float()

    def _free(self, found: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Candidates without what was set, which stays as it was set; each once."""
        free: list[Mapping[str, Any]] = []
        for candidate in found:
            left = {name: value for name, value in candidate.items() if name not in self._kept}
            if left not in free:
                free.append(left)
        return free

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        if "stored" not in cls.Settings.model_fields:
            return {}
        # A twentieth of the pairs is held out; and of few enough, latents can be stored too.
        most = min(MOST_STORED, num_pairs * 19 // 20, MOST_NUMBERS // (num_codes * latent_width))
        return {"stored": max(FEWEST_STORED, most)}

    def settings(self) -> Mapping[str, Any]:
        """Without blur, those that came with it are left out at their defaults, and always one that
        came later: so files from before keep their fingerprints.
        """
        with_blur = self.config.gap == AUTO or "blur" in self.config.gap
        may_lack = CAME_LATER if with_blur else (*CAME_WITH_BLUR, *CAME_LATER)
        fields = type(self.config).model_fields
        return {
            name: value
            for name, value in super().settings().items()
            if name not in may_lack or value != fields[name].default
        }

    def sampling_candidates(self) -> Sequence[Mapping[str, Any]]:
        return self._candidates

    def sampling_candidates_near(self, settings: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        whole = {**self.settings(), **settings}
        return self._free(candidates_near(whole, self._num_pictures))

    def sampling_doubt(self, settings: Mapping[str, Any]) -> float:
        return RETRIEVAL_DOUBT if {**self.settings(), **settings}.get("retrieval") else 1.0

    def sampling_evidence(self) -> Mapping[str, float]:
        if self._clouds is None:
            return {}
        return {name: round(value, 4) for name, value in asdict(self._clouds).items()}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        config = type(self.config)(**{**self.settings(), **settings})
        if settings.get("retrieval") and self.stored_latents is None:
            raise BadInput(
                f"this {type(self).__name__} has stored no latents to answer with",
                hint="Train one with `retrieval=true`",
                field="settings",
            )
        self.config = config
        self._keep(self.stored_latents)
        how = self.config.bridge()
        how.pop("stored", None)  # as many as there are
        self.bridge.change(**how)
