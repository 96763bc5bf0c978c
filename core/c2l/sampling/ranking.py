"""Candidates of a picture: which seeds they have, and which of them is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l.errors import BadInput
from c2l.prior import Prior
from c2l.seeds import NUM_SEEDS
from c2l.student import Student

# Candidate k of the picture with seed s has seed s + k * CANDIDATE_STRIDE: candidate 0 is what
# the seed gives without ranking, and a winner can be drawn again from its own seed alone.
CANDIDATE_STRIDE = 1_000_000

FINALISTS = 4
"""Candidates that are rendered where the student ranks them: it is nearly right, not quite."""

_GUESSED_AT_ONCE = 1024


def candidate_seeds(seed: int, num: int) -> list[int]:
    """The seeds of a picture's candidates; above the largest seed they begin again at 0."""
    return [(seed + k * CANDIDATE_STRIDE) % NUM_SEEDS for k in range(num)]


def choose_finalists(prior: Prior, latents: Tensor, targets: Tensor) -> Tensor:
    """The candidates nearest to the text, as the prior's student predicts their embeddings.

    Args:
        latents: (B, C, K, D).
        targets: (B, E).
    Returns:
        Indices into C, int64, (B, ``FINALISTS``), ascending, so that ties are broken as among
        rendered candidates.
    Raises:
        BadInput: the prior has no student.
    """
    cosines = guess_cosines(prior, latents, targets)
    return cosines.topk(FINALISTS, dim=1).indices.sort(dim=1).values


def guess_cosines(prior: Prior, latents: Tensor, targets: Tensor) -> Tensor:
    """The cosines (B, C) of candidates (B, C, K, D) and targets (B, E), as the student sees them.

    Raises:
        BadInput: the prior has no student.
    """
    student = student_of(prior)
    parts = latents.flatten(0, 1).split(_GUESSED_AT_ONCE)
    seen = torch.cat([student(part) for part in parts])
    wanted = F.normalize(targets.to(seen.device), dim=1)
    return (seen.unflatten(0, latents.shape[:2]) @ wanted[:, :, None])[..., 0]


def student_of(prior: Prior) -> Student:
    """The prior's. Raises ``BadInput`` if it has none."""
    if prior.student is None:
        raise BadInput(
            "this prior has no student to rank by",
            hint="Use `rank_by=pictures` and a number of candidates, or train the prior again",
            field="rank_by",
        )
    return prior.student


@dataclass
class Best:
    """The best candidate of each of B pictures.

    Args:
        images: (B, 3, H, W).
        embeddings: (B, E), of the images.
        scores: (B,), their cosines with the text.
        candidates: which they are, int64 (B,), on the CPU.
    """

    images: Tensor
    embeddings: Tensor
    scores: Tensor
    candidates: Tensor


def keep_best(
    rendered: Iterator[tuple[Tensor, Tensor]],
    targets: Tensor,
    num_candidates: int,
    on_rows: Callable[[int], None],
) -> Best:
    """Keep the best candidate of each picture while they are rendered, and drop the others.

    Args:
        rendered: images and their embeddings, a few at a time, of all candidates of the first
            picture, then of the second.
        targets: (B, E).
        on_rows: called with the number of images in each batch.
    """
    scores: dict[int, float] = {}
    kept: dict[int, tuple[Tensor, Tensor, int]] = {}
    row = 0
    for images, embeddings in rendered:
        pictures = torch.arange(row, row + len(images), device=embeddings.device) // num_candidates
        wanted = targets.to(embeddings.device)[pictures]
        won: dict[int, int] = {}
        for offset, cosine in enumerate(F.cosine_similarity(embeddings, wanted).tolist()):
            picture = (row + offset) // num_candidates
            best = scores.get(picture, math.nan)
            if picture not in scores or cosine > best or math.isnan(best):
                scores[picture], won[picture] = cosine, offset
        for picture, offset in won.items():
            # Copies, since a view would hold on to the whole batch.
            candidate = (row + offset) % num_candidates
            kept[picture] = images[offset].clone(), embeddings[offset].clone(), candidate
        row += len(images)
        on_rows(len(images))
    best_images, best_embeddings, candidates = zip(*kept.values(), strict=True)
    embedded = torch.stack(best_embeddings)
    return Best(
        torch.stack(best_images),
        embedded,
        torch.tensor(list(scores.values()), device=embedded.device),
        torch.tensor(candidates),
    )
