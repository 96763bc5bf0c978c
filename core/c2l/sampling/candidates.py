"""Candidates of pictures: sampled by the prior, and those that are worth rendering."""

# Letters: B pictures, C candidates of each, K codes of width D, E embedding width.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from c2l.clock import Clock
from c2l.prompts.unwanted import Unwanted
from c2l.sampling.best_of import AUTO
from c2l.sampling.classes import sample_of_class
from c2l.sampling.enough import draw_enough
from c2l.sampling.parts import Parts
from c2l.sampling.ranking import FINALISTS, candidate_seeds, choose_finalists
from c2l.sampling.request import DrawSettings

# Latents sampled at once, and pictures they are for: more would delay the first picture.
LATENTS_AT_ONCE = 1024
PICTURES_AT_ONCE = 256


@dataclass(frozen=True)
class Candidates:
    """Those worth rendering.

    Args:
        latents: (B, C, K, D).
        seeds: B lists of C.
        drawn: how many were sampled for each picture.
    """

    latents: Tensor
    seeds: Sequence[Sequence[int]]
    drawn: Sequence[int]


def by_student(settings: DrawSettings) -> bool:
    """Whether the prior's student chooses which candidates are rendered."""
    return settings.most_candidates > FINALISTS and settings.rank_by != "pictures"


def num_rendered(settings: DrawSettings) -> int:
    """How many candidates of a picture are rendered."""
    return FINALISTS if by_student(settings) else settings.most_candidates


def pictures_at_once(settings: DrawSettings) -> int:
    """Of how many pictures the candidates are sampled together."""
    return max(1, min(PICTURES_AT_ONCE, LATENTS_AT_ONCE // settings.most_candidates))


def draw_candidates(
    parts: Parts,
    targets: Tensor,
    seeds: Sequence[int],
    unwanted: Unwanted,
    settings: DrawSettings,
    clock: Clock,
) -> Candidates:
    """Sample candidates of pictures.

    Args:
        targets: embeddings of their prompts, (B, E).
        seeds: of the B pictures.
        settings: in effect, with the class that all are of by its number.
        clock: gets the stages prior and student.
    """
    num = settings.most_candidates
    all_seeds = [candidate_seeds(seed, num) for seed in seeds]

    def draw(pictures: Sequence[int], candidates: Sequence[int]) -> Tensor:
        asked = [[all_seeds[picture][k] for k in candidates] for picture in pictures]
        with clock.stage("prior"):
            return _sample(parts, targets[pictures], asked, unwanted, settings)

    if settings.best_of == AUTO:
        enough = draw_enough(parts.prior, targets, draw, clock)
        latents, kept, drawn = enough.latents, enough.candidates, enough.drawn
    else:
        latents, drawn = draw(range(len(seeds)), range(num)), [num] * len(seeds)
        if not by_student(settings):
            return Candidates(latents, all_seeds, drawn)
        with clock.stage("student"):
            found = choose_finalists(parts.prior, latents, targets)
        latents = latents.gather(1, found[..., None, None].expand(-1, -1, *latents.shape[2:]))
        kept = found.tolist()
    chosen = [[s[k] for k in ks] for s, ks in zip(all_seeds, kept, strict=True)]
    return Candidates(latents, chosen, drawn)


def _sample(
    parts: Parts,
    targets: Tensor,
    seeds: Sequence[Sequence[int]],
    unwanted: Unwanted,
    settings: DrawSettings,
) -> Tensor:
    """Latents (B, C, K, D) of B lists of C seeds."""
    rows = targets.repeat_interleave(len(seeds[0]), dim=0)
    flat = [seed for some in seeds for seed in some]
    latents = []
    for first in range(0, len(flat), LATENTS_AT_ONCE):
        part = rows[first : first + LATENTS_AT_ONCE]
        latents.append(
            sample_of_class(
                parts.prior,
                parts.generator,
                part,
                number=cast(int | None, settings.class_label),
                seeds=flat[first : first + LATENTS_AT_ONCE],
                guidance=settings.guidance,
                steps=settings.steps,
                adherence=settings.adherence,
                negative=unwanted.of(len(part)),
                negative_weights=unwanted.weights,
                negative_by=settings.negative_by,
            )
        )
    return torch.cat(latents).unflatten(0, (len(seeds), -1))
