"""Whether what layer groups draw looks like what the generator draws of one code.

A generator that never met several codes at once in its training may draw of them what it was never
taught to.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.pairs.drawing import Parts, batches_of, draw_batch, groups_of
from c2l.pairs.manifest import PairsManifest

NUM_PICTURES = 256
NEIGHBOURS = 3
FAR = 2**57
"""Added to seeds: none of the pictures that are compared share a code."""


def likeness(parts: Parts, manifest: PairsManifest) -> float | None:
    """The share of pictures of a folder's layer groups that are like the generator's own; None
    where it has no groups.

    Args:
        parts: on their devices.
        manifest: the plan of the folder.
    """
    groups = groups_of(parts[0], manifest)
    if not groups:
        return None
    mixed, own = _embeddings(parts, manifest, 0, groups), _embeddings(parts, manifest, FAR, ())
    return among(mixed, own)


def _embeddings(
    parts: Parts, manifest: PairsManifest, first: int, groups: tuple[int, ...]
) -> Tensor:
    seeds, found = range(first, first + NUM_PICTURES), []
    for batch in batches_of(seeds, min(manifest.batch_size, NUM_PICTURES), groups):
        classes = manifest.draw_classes(batch.seeds)
        found.append(draw_batch(*parts, dataclasses.replace(batch, classes=classes))[1].float())
    return torch.cat(found)


def among(embeddings: Tensor, others: Tensor) -> float:
    """The share of embeddings (N, E) that lie among others (M, E).

    They do if they are as near to one of these as its third neighbour is (precision; Kynkäänniemi
    et al. 2019, arXiv 1904.06991).
    """
    ours, theirs = normalize(embeddings.double(), dim=1), normalize(others.double(), dim=1)
    reach = torch.cdist(theirs, theirs).kthvalue(NEIGHBOURS + 1, dim=1).values
    near = [(torch.cdist(part, theirs) <= reach).any(dim=1) for part in ours.split(1024)]
    return float(torch.cat(near).double().mean())
