"""Regression on random Fourier features (Rahimi & Recht 2007): a prior without gradients.

Cosines along random directions stand in for a Gaussian kernel, so that ridge regression on them is
kernel regression (a Gaussian process, by its other name) at the cost of one linear system. Samples
scatter around the regression as the pairs do.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, F features, N pairs.

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

import c2l
from c2l.ranges import Count, Positive, Size

CHUNK = 4096
"""Pairs whose features are in memory at once."""
NOISE_SEED = 0
"""Of the noise that the regression is shown."""


class FourierPrior(c2l.BridgedPrior):
    """Kernel ridge regression with Gaussian residuals, in closed form."""

    class Settings(c2l.BridgeSettings):
        """What decides a ``FourierPrior``, besides the bridge.

        Args:
            num_features: F; more of them come nearer to the kernel.
            reach: of the kernel, in distances of unit embeddings.
            penalty: on the weights, relative to the mean variance of the features.
            spread: how far samples scatter, relative to the residuals; 0 gives every seed the same.
        """

        num_features: Count = 1024
        reach: Positive = 1.0
        penalty: Size = 0.01
        spread: Size = 1.0

    config: Settings
    trains_by_gradient: ClassVar[bool] = False
    directions: Tensor
    phases: Tensor
    weights: Tensor
    mean: Tensor
    residual: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        width, num, size = self.config.embedding_width, self.config.num_features, self.latent_size
        # Drawn by the seed of training, and in the file: nothing has to be drawn alike again.
        self.register_buffer("directions", torch.randn(width + 1, num))
        self.register_buffer("phases", 2 * math.pi * torch.rand(num))
        self.register_buffer("weights", torch.zeros(num, size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("residual", torch.zeros(size, size))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        seen, levels = self.bridge.show(embeddings, torch.Generator().manual_seed(NOISE_SEED))
        wanted = latents.to(self.device).flatten(1).double()
        self.mean.copy_(wanted.mean(dim=0))
        wanted = wanted - self.mean
        num = self.config.num_features
        gram, found = wanted.new_zeros(num, num), wanted.new_zeros(num, self.latent_size)
        chunks = [slice(start, start + CHUNK) for start in range(0, len(wanted), CHUNK)]
        for rows in chunks:
            features = self._features(seen[rows], levels[rows]).double()
            gram += features.mT @ features
            found += features.mT @ wanted[rows]
        even = self.config.penalty * gram.diagonal().mean() * torch.eye(num).to(gram)
        self.weights.copy_(torch.linalg.solve(gram + even, found))
        left = wanted.new_zeros(self.latent_size, self.latent_size)
        for rows in chunks:
            away = wanted[rows] - self._features(seen[rows], levels[rows]) @ self.weights
            left += away.mT @ away
        values, vectors = torch.linalg.eigh(left / len(wanted))
        self.residual.copy_((vectors * values.clamp_min(0).sqrt()) @ vectors.mT)

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        normal = c2l.SeededNormal(options.seeds, self.device)
        features = self._features(*self.bridge.ask(embeddings, options, normal))
        scatter = self.config.spread * normal(self.latent_size) @ self.residual
        drawn = self.mean + features @ self.weights + scatter
        return drawn.unflatten(1, (self.config.num_codes, self.config.latent_width))

    def _features(self, unit: Tensor, levels: Tensor) -> Tensor:
        """Unit embeddings (B, E), and how noisy they are, to features (B, F)."""
        seen = torch.cat([unit, levels[:, None]], dim=1)
        waves = seen @ self.directions / self.config.reach + self.phases
        return waves.cos() * (2 / self.config.num_features) ** 0.5
