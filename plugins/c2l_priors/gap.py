"""From embeddings of pictures, which train a prior, to those of text, which ask it.

The two lie apart ("the modality gap", Liang et al. 2022, arXiv 2203.02053): by a constant, and by
what a text leaves open. A ``Gap`` is the part of a prior that bridges this. Its ingredients:

- ``noise``: training turns the embeddings of pictures by random directions, so that a prior learns
  to read the neighbourhood of an embedding rather than the point (Pinkney & Li 2022, arXiv
  2210.02347).
- ``centring``: each modality loses its own mean (Zhang et al. 2024, arXiv 2401.08567).
- ``projection``: a text moves half way to the mean of the pictures near it. All the way, as for
  captions (Li et al. 2023, arXiv 2303.03032), it would name nothing but what these show.
- ``ridge``: a text is mapped linearly to where its projection would be.

The prior is told how long the noise is. A picture is told as noisy as it is made. A text is told
as noisy as can be, since it lies no nearer to any picture, whatever it names; that measured best at
every length of the noise on top, which ``adherence`` sets: without any, what the text leaves open
is decided by its accidents, alike for all seeds; with more, samples of one prompt differ more.
"""

# Letters: B batch, E embedding width, N pictures, M texts, S stored pictures.

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import AfterValidator
from torch import Tensor, nn
from torch.nn.functional import normalize

from c2l import Modality, SampleOptions

INGREDIENTS = ("noise", "centring", "projection", "ridge")


def check_ingredients(text: str) -> str:
    """``text`` itself. Raises ``ValueError`` if it names an ingredient that does not exist."""
    unknown = sorted(_chosen(text) - set(INGREDIENTS))
    if unknown:
        raise ValueError(
            f"the gap has no ingredient '{unknown[0]}'; use none, or some of "
            f"{', '.join(INGREDIENTS)}, joined by +"
        )
    return text


def _chosen(ingredients: str) -> set[str]:
    return set() if ingredients == "none" else set(ingredients.split("+"))


Ingredients = Annotated[str, AfterValidator(check_ingredients)]
"""Names of ingredients joined by ``+``, as in ``centring+noise``; ``none`` for none."""

NUM_STORED = 4096
"""Pictures kept for the projection, in float16: 4 MB where E is 512."""

TEMPERATURE = 0.05
"""Of the softmax over pictures near a text, in units of the cosine between centred embeddings."""

REPULSION = 0.3
"""How far a negative text of weight 1 pushes an embedding, as a part of its distance from the mean.
Half of it leaves some of what is unwanted, twice as much costs what the prompt names: see
``benchmarks/negation.md``."""

RIDGE = 0.01
"""Of the ridge map, as a part of the mean variance of the texts."""


class Gap(nn.Module):
    """Embeddings as the network of a prior sees them: unit vectors, and how noisy they are.

    Args:
        embedding_width: E.
        ingredients: as ``Ingredients``.
        noise: the longest noise, relative to the unit embedding before it is centred.
        adherence: the default of ``ask`` for text, from 0 (the longest noise) to 1 (none).
    """

    image_mean: Tensor
    text_mean: Tensor
    spread: Tensor
    stored: Tensor
    ridge: Tensor

    def __init__(
        self,
        embedding_width: int,
        *,
        ingredients: str,
        noise: float = 0.0,
        adherence: float = 1.0,
    ) -> None:
        super().__init__()
        chosen = _chosen(ingredients)
        self.embedding_width = embedding_width
        self.chosen = chosen
        self.noise = noise if "noise" in chosen else 0.0
        self.adherence = adherence
        self.register_buffer("image_mean", torch.zeros(embedding_width))
        self.register_buffer("text_mean", torch.zeros(embedding_width))
        if "centring" in chosen:
            self.register_buffer("spread", torch.ones(()))
        if "projection" in chosen:
            self.register_buffer(
                "stored", torch.zeros(NUM_STORED, embedding_width, dtype=torch.float16)
            )
        if "ridge" in chosen:
            self.register_buffer("ridge", torch.eye(embedding_width))

    def fit(self, embeddings: Tensor, texts: Tensor | None) -> None:
        """Take statistics of pictures (N, E) and of texts (M, E), as the embedder gives them.

        Without texts, text is centred by the mean of the pictures, and the ridge map is the
        identity.
        """
        device = self.image_mean.device
        pictures = normalize(embeddings.to(device), dim=1)
        self.image_mean.copy_(pictures.double().mean(dim=0))
        self.text_mean.copy_(self.image_mean)
        if texts is not None and len(texts):
            self.text_mean.copy_(normalize(texts.to(device), dim=1).double().mean(dim=0))
        if "centring" in self.chosen:
            self.spread.copy_((pictures - self.image_mean).norm(dim=1).mean().clamp_min(0.01))
        stored = self._centred(pictures[:NUM_STORED], "image")
        if "projection" in self.chosen:
            self.stored.copy_(stored[torch.arange(NUM_STORED, device=device) % len(stored)])
        if "ridge" in self.chosen and texts is not None and len(texts):
            centred = self._centred(texts.to(device), "text")
            self.ridge.copy_(_ridge(centred, _project(centred, stored)))

    def show(self, embeddings: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Embeddings of pictures as training shows them to the network.

        Returns:
            unit vectors (B, E), and the length of the noise in each, (B,), from 0 to 1: a part of
            ``noise``.
        """
        unit = self._centred(embeddings.to(self.image_mean.device), "image")
        if not self.noise:
            return unit, unit.new_zeros(len(unit))
        levels = torch.rand(len(unit), generator=rng).to(unit.device)
        normal = torch.randn(unit.shape, generator=rng).to(unit.device)
        return self._noisy(unit, levels, normal), levels

    def ask(
        self,
        embeddings: Tensor,
        modality: Modality,
        adherence: float | None,
        normal: Callable[[int], Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Embeddings as sampling shows them to the network.

        Args:
            embeddings: (B, E), as the embedder gives them.
            modality: what they are of.
            adherence: from 0 to 1; None: the default for text, 1 for pictures.
            normal: gives standard normal numbers (B, width), row i from the seed of row i.
        Returns:
            as ``show``.
        """
        if adherence is None:
            adherence = self.adherence if modality == "text" else 1.0
        unit = self.unit(embeddings, modality)
        if not self.noise:
            return unit, unit.new_zeros(len(unit))
        levels = unit.new_full((len(unit),), 1 - adherence)
        if adherence < 1:
            unit = self._noisy(unit, levels, normal(self.embedding_width))
        return unit, torch.ones_like(levels) if modality == "text" else levels

    def away(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        """Embeddings (B, E) moved away from negative ones, if the options say so.

        What texts have in common stays: each negative text counts by its direction from their
        mean.
        """
        if options.negative is None or options.negative_by == "guidance":
            return embeddings
        device = self.text_mean.device
        unwanted = normalize(options.negative.to(device), dim=2) - self.text_mean
        step = options.negative_scale.to(device) @ normalize(unwanted, dim=2)
        mean = self.image_mean if options.modality == "image" else self.text_mean
        own = normalize(embeddings.to(device), dim=1) - mean
        return mean + own - REPULSION * own.norm(dim=1, keepdim=True) * step

    def unit(self, embeddings: Tensor, modality: Modality) -> Tensor:
        """Embeddings (B, E) as unit vectors on the side of the pictures, without noise."""
        unit = self._centred(embeddings.to(self.image_mean.device), modality)
        if modality == "text" and "projection" in self.chosen:
            unit = normalize(unit + _project(unit, self.stored.float()), dim=1)
        if modality == "text" and "ridge" in self.chosen:
            unit = normalize(unit @ self.ridge, dim=1)
        return unit

    def _centred(self, embeddings: Tensor, modality: Modality) -> Tensor:
        unit = normalize(embeddings, dim=1)
        if "centring" not in self.chosen:
            return unit
        return normalize(unit - (self.image_mean if modality == "image" else self.text_mean), dim=1)

    def _noisy(self, unit: Tensor, levels: Tensor, normal: Tensor) -> Tensor:
        """Turned by noise of length ``levels * noise``; its cosine is 1 / hypot(1, that) or so.

        Centred, the noise is as long against what is left of the embedding: pictures of one
        generator lie close together, and what is noise among all pictures would be little to them.
        """
        noise = normal / self.embedding_width**0.5
        if "centring" in self.chosen:
            noise = noise / self.spread
        return normalize(unit + self.noise * levels[:, None] * noise, dim=1)


def _project(unit: Tensor, stored: Tensor) -> Tensor:
    """Unit vectors (B, E) to means of the stored ones (S, E) near them, unit again."""
    weights = (unit @ stored.T / TEMPERATURE).softmax(dim=1)
    return normalize(weights @ stored, dim=1)


def _ridge(texts: Tensor, targets: Tensor) -> Tensor:
    """The linear map (E, E) that brings unit texts (M, E) nearest to targets (M, E)."""
    x, y = texts.double(), targets.double()
    covariance = x.T @ x
    width = len(covariance)
    even = torch.eye(width, dtype=x.dtype, device=x.device) * covariance.trace() / width
    return torch.linalg.solve(covariance + RIDGE * even, x.T @ y)
