"""Embeddings as priors take them: unit length, and noisy while training.

A prior is trained on embeddings of images and asked with embeddings of text, which lie apart
("the modality gap"). Noise on the training embeddings teaches it to read the neighbourhood of an
embedding rather than the point, and closes most of that gap (Pinkney & Li 2022, arXiv 2210.02347).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.errors import BadInput


def add_noise(embeddings: Tensor, scale: float, rng: torch.Generator) -> Tensor:
    """Turn unit embeddings (B, E) by random directions of length ``scale``; unit length again.

    In many dimensions the cosine between before and after is about ``1 / sqrt(1 + scale ** 2)``.
    """
    noise = torch.randn(embeddings.shape, generator=rng).to(embeddings.device)
    return normalize(embeddings + scale * normalize(noise, dim=1), dim=1)


def check_embeddings(embeddings: Tensor, width: int) -> None:
    """Raises ``BadInput`` unless ``embeddings`` is a finite (B, ``width``)."""
    if embeddings.ndim != 2 or embeddings.shape[1] != width:
        raise BadInput(
            f"this prior takes embeddings of shape (B, {width}), not {tuple(embeddings.shape)}",
            hint="Use the embedder that it was trained with",
        )
    if not torch.isfinite(embeddings).all():
        raise BadInput("the embeddings hold NaN or infinity", hint="Check the embedder")


def check_seeds(seeds: Sequence[int], num: int) -> None:
    """Raises ``BadInput`` unless there is one non-negative seed for each of ``num`` rows."""
    if len(seeds) != num:
        raise BadInput(
            f"{num} embeddings need {num} seeds, not {len(seeds)}", hint="Give one seed for each"
        )
    if any(seed < 0 for seed in seeds):
        raise BadInput("seeds are 0 or more", hint="Leave out the minus sign")


def check_pairs(embeddings: Tensor, latents: Tensor, width: int, latent: Sequence[int]) -> None:
    """Raises ``BadInput`` unless these are pairs of (N, ``width``) and (N, \\*``latent``)."""
    check_embeddings(embeddings, width)
    if tuple(latents.shape) != (len(embeddings), *latent):
        wanted = (len(embeddings), *latent)
        raise BadInput(
            f"the latents should have shape {wanted}, not {tuple(latents.shape)}",
            hint="Build the prior with the widths of these pairs",
        )
    if not len(latents):
        raise BadInput("there are no pairs to fit on", hint="Make some with 'c2l pairs'")
