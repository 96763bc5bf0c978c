"""Gaussian regression with the beta-NLL loss (Seitzer et al. 2022, arXiv 2203.09168).

The plainest prior that a network can be. One pass gives the mean of all latents that fit an
embedding and how far each dimension strays from it. The mean averages over what a prompt leaves
open; samples stray from it by seed, each dimension independently, since a Gaussian without
correlations does not know what goes together.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from c2l import BridgedPrior, BridgeSettings, SampleOptions
from c2l.ranges import Count, Size
from c2l_priors.classes import ClassTeacher, as_tensor, fit_teacher, taught
from c2l_priors.network import ModulatedMLP, PromptEncoder
from c2l_priors.scaling import LatentScale, scattered

SMALLEST_SPREAD = 0.03
"""Of a standardised dimension: below it the likelihood would reward nothing but narrowness."""


class MLPPrior(BridgedPrior):
    """Gaussian regression: one pass gives mean and spread of the latents of an embedding."""

    class Settings(BridgeSettings):
        """What decides an ``MLPPrior``, besides its bridge.

        Args:
            hidden: width of the network.
            num_blocks: its residual blocks.
            spread: how far samples stray, relative to what was learnt; 0 gives every seed the mean.
        """

        hidden: Count = 256
        num_blocks: Count = 3
        spread: Size = 0.5

    config: Settings
    takes_classes: ClassVar[bool] = True
    supported_options: ClassVar[frozenset[str]] = BridgedPrior.supported_options | {
        "towards",
        "near",
    }

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config = self.config
        self.scale = LatentScale(config.num_codes, config.latent_width)
        rows = ModulatedMLP.num_modulations(config.num_blocks)
        self.teacher = ClassTeacher.of(config.num_classes, config.embedding_width)
        self.prompt = PromptEncoder(config.embedding_width, config.hidden, rows, config.num_classes)
        self.network = ModulatedMLP(config.hidden, 2 * self.latent_size, config.num_blocks)

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(fit_teacher(self, embeddings), latents, texts)
        self.scale.fit(latents)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        clean = self.scale(latents.to(self.device))
        embeddings, told = taught(self, embeddings, rng)
        mean, spread = self._predict(*self.bridge.show(embeddings, rng), told)
        # beta-NLL weights each dimension's likelihood by its spread: plain likelihood neglects the
        # mean where it is uncertain.
        likelihood = 0.5 * ((clean - mean) / spread).square() + spread.log()
        return (likelihood * spread.detach()).mean()

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        normal = options.normal(self.device)
        classes = as_tensor(options.classes, self.device)
        mean, spread = self._predict(*self.bridge.ask(embeddings, options, normal), classes)
        scatter = self.config.spread * spread * normal(self.latent_size)
        return self.scale.inverse(scattered(mean, scatter, self.scale, options.near))

    def _predict(
        self, unit: Tensor, levels: Tensor, classes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the standardised latents, (B, K * D) each."""
        condition = self.prompt(unit, levels, classes=classes)
        mean, spread = self.network(condition.start, condition.modulation).float().chunk(2, dim=1)
        return mean, SMALLEST_SPREAD + nn.functional.softplus(spread)
