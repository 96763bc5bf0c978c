"""A conditional variational autoencoder (Sohn et al. 2015) from embedding to latents.

Training squeezes a latent through a few numbers that should look normal, with the embedding beside
them: what the embedding says need not pass through. Sampling draws the numbers instead; they are
what the embedding leaves open.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, C hidden code.

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import c2l
from c2l.ranges import Count, Positive

FLOOR = 1e-6
"""Of a deviation: a number that never varies has none."""


class CVAEPrior(c2l.BridgedPrior):
    """Two small networks; one pass of the second draws a latent."""

    class Settings(c2l.BridgeSettings):
        """What decides a ``CVAEPrior``, besides the bridge.

        Args:
            hidden: width of the networks.
            code: C, how many numbers hold what the embedding leaves open.
            strictness: how strongly they are held to be normal. With less, latents are met more
                closely in training, and sampling draws more of what never occurred.
        """

        hidden: Count = 256
        code: Count = 16
        strictness: Positive = 1.0

    config: Settings
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config, size = self.config, self.latent_size
        asked = config.embedding_width + 1  # and how noisy it is
        self.register_buffer("latent_mean", torch.zeros(size))
        self.register_buffer("latent_std", torch.ones(size))
        self.encoder = _network(asked + size, config.hidden, 2 * config.code)
        self.decoder = _network(asked + config.code, config.hidden, 2 * size)

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        std, mean = torch.std_mean(latents.flatten(1).double(), dim=0, correction=0)
        self.latent_mean.copy_(mean)
        self.latent_std.copy_(std.clamp_min(FLOOR))

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        """The evidence lower bound for one number of a latent; randomness comes from ``rng``."""
        x = (latents.to(self.device).flatten(1) - self.latent_mean) / self.latent_std
        asked = self._asked(*self.bridge.show(embeddings, rng))
        mean, log_std = self.encoder(torch.cat([asked, x], dim=1)).chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=rng).to(self.device)
        met, log_spread = self._decode(asked, mean + log_std.exp() * noise)
        likelihood = 0.5 * ((x - met) / log_spread.exp()).square() + log_spread
        divergence = 0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std
        kept = self.config.strictness * divergence.sum(dim=1).mean() / self.latent_size
        return likelihood.mean() + kept

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        normal = c2l.SeededNormal(options.seeds, self.device)
        asked = self._asked(*self.bridge.ask(embeddings, options, normal))
        mean, log_spread = self._decode(asked, normal(self.config.code))
        x = mean + log_spread.exp() * normal(self.latent_size)
        drawn = x * self.latent_std + self.latent_mean
        return drawn.unflatten(1, (self.config.num_codes, self.config.latent_width))

    def _asked(self, unit: Tensor, levels: Tensor) -> Tensor:
        """Unit embeddings at the scale of normal numbers, and how noisy they are: (B, E + 1)."""
        return torch.cat([unit * unit.shape[1] ** 0.5, levels[:, None]], dim=1)

    def _decode(self, asked: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the deviation of standardised latents, (B, K * D) each."""
        mean, log_spread = self.decoder(torch.cat([asked, code], dim=1)).chunk(2, dim=1)
        return mean, log_spread.clamp(-5, 2)  # a likelihood without bounds runs away


def _network(before: int, hidden: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(before, hidden),
        nn.SiLU(),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, after),
    )
