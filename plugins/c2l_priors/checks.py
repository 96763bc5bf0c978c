"""What every prior checks before it starts, and the ranges of its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from c2l.errors import BadInput
from c2l.pipeline import MOST_GUIDANCE

# ``c2l train`` reads these off the constructors, and refuses other values before any work.
Count = Annotated[int, Field(ge=1)]
Size = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Drop = Annotated[float, Field(ge=0, lt=1)]
Guidance = Annotated[float, Field(ge=0, le=MOST_GUIDANCE)]


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


def check_pairs(
    embeddings: Tensor,
    latents: Tensor,
    width: int,
    latent: Sequence[int],
    texts: Tensor | None = None,
) -> None:
    """Raises ``BadInput`` unless these are pairs of (N, ``width``) and (N, \\*``latent``).

    ``texts``, where there are any, must be (M, ``width``).
    """
    check_embeddings(embeddings, width)
    if texts is not None:
        check_embeddings(texts, width)
    if tuple(latents.shape) != (len(embeddings), *latent):
        wanted = (len(embeddings), *latent)
        raise BadInput(
            f"the latents should have shape {wanted}, not {tuple(latents.shape)}",
            hint="Build the prior with the widths of these pairs",
        )
    if not len(latents):
        raise BadInput("there are no pairs to fit on", hint="Make some with 'c2l pairs'")
