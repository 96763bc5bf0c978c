"""Ridge regression (Hoerl & Kennard 1970) from embedding to latent, the floor for every network.

It is solved in closed form. Samples scatter around the line as the pairs do: with a Gaussian of the
covariance that the regression leaves unexplained.
"""

# Letters: B batch, E embedding width, K codes of a latent, D width of a code, N pairs.

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from c2l import BridgedPrior, FixedBridgeSettings, SampleOptions
from c2l.ranges import Size
from c2l_priors.scaling import LatentScale, scattered

MOST_TOGETHER = 2048
"""Numbers of a latent whose residuals are learnt together, which takes seconds on one core. Of
longer ones, such as w+ of a large StyleGAN, each code's are learnt by themselves: together they
would take minutes, and 340 MB of the file."""


class RidgePrior(BridgedPrior):
    """Ridge regression with Gaussian residuals, in closed form."""

    class Settings(FixedBridgeSettings):
        """What decides a ``RidgePrior``, besides its bridge.

        Args:
            penalty: on the map, relative to the mean variance of the embeddings.
            spread: how far samples scatter, relative to the residuals; 0 gives every seed the same
                latent.
        """

        penalty: Size = 0.1
        spread: Size = 0.5

    config: Settings
    trains_by_gradient: ClassVar[bool] = False
    supported_options: ClassVar[frozenset[str]] = frozenset({"negative", "towards", "near"})
    map: Tensor
    offset: Tensor
    residual: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        config, size = self.config, self.latent_size
        self.scale = LatentScale(config.num_codes, config.latent_width)
        self.register_buffer("map", torch.zeros(config.embedding_width, size))
        self.register_buffer("offset", torch.zeros(size))
        self._parts = 1 if size <= MOST_TOGETHER else config.num_codes
        width = size // self._parts
        # One part has no dimension of parts, as in files from before.
        shape = (width, width) if self._parts == 1 else (self._parts, width, width)
        self.register_buffer("residual", torch.zeros(shape))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.scale.fit(latents)
        x = self.bridge.unit(embeddings, "image").double()
        y = self.scale(latents.to(self.device)).double()
        offset = x.mean(dim=0)
        covariance = (x - offset).T @ (x - offset) / len(x)
        even = covariance.diagonal().mean().clamp_min(1e-12) * torch.eye(len(covariance)).to(x)
        solved = torch.linalg.solve(
            covariance + self.config.penalty * even, (x - offset).T @ (y - y.mean(dim=0)) / len(x)
        )
        self.map.copy_(solved)
        self.offset.copy_(y.mean(dim=0) - offset @ solved)
        left = y - self.offset - x @ solved
        roots = [_root(part.T @ part / len(x)) for part in left.chunk(self._parts, dim=1)]
        self.residual.copy_(torch.stack(roots).view_as(self.residual))

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        normal = options.normal(self.device)(self.latent_size).chunk(self._parts, dim=1)
        roots = self.residual.view(self._parts, *self.residual.shape[-2:])
        scatter = torch.cat([n @ root for n, root in zip(normal, roots, strict=True)], dim=1)
        unit = self.bridge.ask(embeddings, options).unit
        mean = unit @ self.map + self.offset
        return self.scale.inverse(
            scattered(mean, self.config.spread * scatter, self.scale, options.near)
        )


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
