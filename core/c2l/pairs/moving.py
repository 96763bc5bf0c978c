"""How far layer groups move what a generator draws.

The codes of groups are independent, and each is distributed as ever. A generator that was trained
to mix them draws the same distribution of pictures; one that was not may draw what it never learnt.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.pairs.drawing import Parts, batches_of, draw_batch, groups_of
from c2l.pairs.manifest import PairsManifest

NUM_PICTURES, FEWEST = 256, 64
PAIRS_FOR_A_PICTURE = 16
FAR = 2**57
"""Added to seeds: none of the pictures that are compared share a code."""


def moved_by_groups(parts: Parts, manifest: PairsManifest) -> float | None:
    """How far a folder's layer groups move the mean of pictures, see ``moved``.

    Args:
        parts: on their devices.
        manifest: the plan of the folder.
    Returns:
        None without groups, or where pairs are so few that it would take long beside them.
    """
    groups = groups_of(parts[0], manifest)
    num = min(NUM_PICTURES, manifest.num // PAIRS_FOR_A_PICTURE)
    if not groups or num < FEWEST:
        return None
    mixed = _embeddings(parts, manifest, range(num), groups)
    return moved(mixed, _embeddings(parts, manifest, range(FAR, FAR + num), ()))


def _embeddings(
    parts: Parts, manifest: PairsManifest, seeds: range, groups: tuple[int, ...]
) -> Tensor:
    found = []
    for batch in batches_of(seeds, min(manifest.batch_size, len(seeds)), groups):
        classes = manifest.draw_classes(batch.seeds)
        found.append(draw_batch(*parts, dataclasses.replace(batch, classes=classes))[1].float())
    return torch.cat(found)


def moved(embeddings: Tensor, others: Tensor) -> float:
    """The squared distance of the means of embeddings (N, E) and of others (M, E), all at unit
    length, as a part of the variance of the others.

    It is unbiased: 0 on average, and so at times below, for two samples of one distribution.
    """
    ours, theirs = (normalize(rows.double(), dim=1) for rows in (embeddings, others))
    own = theirs.var(dim=0).sum()
    chance = ours.var(dim=0).sum() / len(ours) + own / len(theirs)
    apart = (ours.mean(dim=0) - theirs.mean(dim=0)).square().sum()
    return float((apart - chance) / own.clamp_min(1e-12))
