"""Candidates of a picture: which seeds they have, and which of them is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from c2l.errors import BadInput
from c2l.prior import Prior
from c2l.seeds import NUM_SEEDS

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
    """Which candidates the prior's student thinks nearest to the text.

    Args:
        latents: (B, C, K, D).
        targets: (B, E).
    Returns:
        int64, (B, ``FINALISTS``), in the candidates' order, so that ties fall as they do among
        pictures.
    Raises:
        BadInput: the prior has no student.
    """
    if prior.student is None:
        raise BadInput(
            "this prior has no student to rank by",
            hint="Use `rank_by=pictures`, or train the prior again",
            field="rank_by",
        )
    parts = latents.flatten(0, 1).split(_GUESSED_AT_ONCE)
    seen = torch.cat([prior.student(part) for part in parts])
    wanted = F.normalize(targets.to(seen.device), dim=1)
    cosine = (seen.unflatten(0, latents.shape[:2]) @ wanted[:, :, None])[..., 0]
    return cosine.topk(FINALISTS, dim=1).indices.sort(dim=1).values


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
        on_rows: is told how many came, before the next are rendered.
    """
    if num_candidates == 1:
        images, seen = [], []
        for some, embedded in rendered:
            images.append(some)
            seen.append(embedded)
            on_rows(len(some))
        embeddings = torch.cat(seen)
        scores = F.cosine_similarity(embeddings, targets.to(embeddings.device))
        return Best(torch.cat(images), embeddings, scores, torch.zeros(len(scores)).long())
    best: list[tuple[float, Tensor, Tensor, int]] = []
    row = 0
    for some, embedded in rendered:
        rows = torch.arange(row, row + len(some)) // num_candidates
        wanted = targets.to(embedded.device)[rows.to(embedded.device)]
        cosines = F.cosine_similarity(embedded, wanted).tolist()
        for offset, cosine in enumerate(cosines):
            picture, candidate = divmod(row + offset, num_candidates)
            if picture == len(best):
                best.append((cosine, some[offset], embedded[offset], candidate))
            elif cosine > best[picture][0]:
                best[picture] = (cosine, some[offset], embedded[offset], candidate)
        # What is kept must not hold on to the whole batch.
        best = [(c, i.clone() if i._base is some else i, e, k) for c, i, e, k in best]
        row += len(some)
        on_rows(len(some))
    kept = torch.stack([embedded for _, _, embedded, _ in best])
    return Best(
        torch.stack([image for _, image, _, _ in best]),
        kept,
        torch.tensor([cosine for cosine, _, _, _ in best], device=kept.device),
        torch.tensor([candidate for _, _, _, candidate in best]),
    )
