"""Where gradient descent starts: the best of the prior's answers for a photo."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from c2l.budgets import SAMPLING
from c2l.editing.inversion.distance import Distance
from c2l.sampling.parts import Parts
from c2l.sampling.request import DrawSettings

CANDIDATES = 32
"""Answers of the prior. Drawing them costs as much as ten or twelve steps of gradient descent."""


@torch.no_grad()
def first_latents(
    parts: Parts,
    embedding: Tensor,
    distance: Distance,
    *,
    seed: int = 0,
    num: int = 1,
    candidates: int = CANDIDATES,
) -> tuple[Tensor, Tensor]:
    """The nearest of the prior's answers for the embedding of a photo, and of the mean picture.

    Args:
        embedding: of the photo, (1, E).
        seed: of the first answer; the next ones follow.
        num: how many to keep.
    Returns:
        latents (num, L, D), the nearest first, and their distances (num,).
    """
    generator, prior = parts.generator, parts.prior
    space = generator.latent_space
    settings = parts.effective(DrawSettings())
    answers = prior.sample(
        embedding.expand(candidates, -1),
        seeds=[(seed + i) % 2**64 for i in range(candidates)],
        guidance=settings.guidance,
        steps=settings.steps,
        adherence=settings.adherence,
        modality="image",
    ).to(generator.device)
    latents = torch.cat([
        space.expand(answers, prior.repeats), space.expand(space.mean[None].to(generator.device))
    ])  # fmt: skip
    found = torch.cat(list(_distances(parts, latents, distance)))
    # What is not finite comes last; somebody else's prior may answer so.
    nearest = found.nan_to_num(nan=torch.inf).argsort()[:num]
    return latents[nearest], found[nearest]


def _distances(parts: Parts, latents: Tensor, distance: Distance) -> Iterator[Tensor]:
    rows = SAMPLING.pictures(parts.generator.image_size, parts.generator.device.type)
    for some in latents.split(rows):
        yield distance(parts.generator.synthesize(some))
