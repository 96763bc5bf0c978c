"""Whether pairs still belong together: whether latents draw the pictures that were embedded.

A folder of pairs says which parts made it, but not whether its rows were changed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.budgets import VALIDATION
from c2l.embedder import Embedder
from c2l.generator import Generator
from c2l.pairs import Pairs
from c2l.training.oddities import Oddity, told_apart

AT_EACH_END = 8
"""Pairs that are drawn again, the first ones and the last ones."""
RECOGNISABLE = 0.9
"""How well two pictures of one latent must recognise each other, or nothing can be said."""
LESS = 0.2
"""Pairs that recognise each other worse by this much are strangers, whose score is .5 ± .1. Changes
that only affect how pictures look, such as another precision, device or batch size, come nowhere
near it."""


def find_unlike(pairs: Pairs, generator: Generator, embedder: Embedder) -> Sequence[Oddity]:
    """Whether embeddings belong to other pictures than the latents draw; at most one oddity.

    There is none for a generator that never draws the same picture twice, or for an embedder that
    cannot tell pictures apart.

    Args:
        generator, embedder: the parts that made the pairs.
    """
    stored, latents = _some_rows(pairs)
    if not told_apart(stored):
        return ()
    repeats = pairs.manifest.repeats
    at_once = VALIDATION.pictures(generator.image_size, generator.device.type)

    def look(rows: Tensor) -> Tensor:
        drawn = (generator.synthesize(part, repeats=repeats) for part in rows.split(at_once))
        return torch.cat([embedder.embed_images(images).float().cpu() for images in drawn])

    with torch.no_grad():
        seen = look(latents)
        known = recognition(seen, stored)
        if known >= 1 - LESS:
            return ()
        # In another order, so that what follows from the place in a batch is no likeness; and
        # rounded as pairs are stored, which alone decides where pictures differ in one way only.
        again = recognition(seen, look(latents.flip(0)).flip(0).half().float())
    if again < RECOGNISABLE or known >= again - LESS:
        return ()
    return (
        Oddity(
            "pictures drawn again from the stored latents do not look like the stored embeddings",
            "these pairs do not belong together: make them anew in another folder with "
            "`c2l pairs`; if that changes nothing, try both parts with `c2l check`",
            deaf=True,
        ),
    )


def recognition(ours: Tensor, theirs: Tensor) -> float:
    """How well rows of embeddings (N, E) recognise their own counterparts; .5 by chance.

    For each row of ours: the share of the other rows of theirs that are less like it than its own
    counterpart. The mean over the first half of the rows or the last, whichever is lower. Both sets
    are centred, so that a change to all of them does not count.
    """
    like = _from_mean(ours) @ _from_mean(theirs).T
    own = like.diagonal()[:, None]
    less = (like < own).double() + 0.5 * (like == own).double()
    known = (less.sum(dim=1) - 0.5) / (len(like) - 1)
    return min(float(half.mean()) for half in known.tensor_split(2))


def _from_mean(embeddings: Tensor) -> Tensor:
    return normalize(embeddings.double() - embeddings.double().mean(dim=0), dim=1)


def _some_rows(pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Embeddings and latents of both ends: two shards are read where pairs are many."""
    num = min(AT_EACH_END, len(pairs) // 2)
    ends = [pairs.rows(0, num), pairs.rows(len(pairs) - num, len(pairs))]
    embeddings, latents = (torch.cat(rows) for rows in zip(*ends, strict=True))
    return embeddings, latents
