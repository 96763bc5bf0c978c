"""Whether the pictures of stored latents still look like the stored embeddings.

A folder of pairs says which parts made it, but not that its rows were left as they were.
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
"""Pairs that are drawn again: the first and the last ones."""
RECOGNISABLE = 0.9
"""How well two pictures of one latent have to know each other, for pairs to be asked the same."""
LESS = 0.2
"""So much worse than that they do where they are strangers, who know each other in .5 +- .1.
Nothing comes near that which only changes what pictures look like, such as another precision,
device or size of batches."""


def find_unlike(pairs: Pairs, generator: Generator, embedder: Embedder) -> Sequence[Oddity]:
    """Whether pairs hold embeddings of other pictures than their latents draw; at most one.

    Nothing is said of a generator that draws other pictures each time, nor where the embedder
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
    """Of embeddings (N, E) twice: the share of the other rows of theirs that are less like a row of
    ours than its own, as a mean over the first or the last half of rows, whichever is less; .5 by
    chance.

    Both are seen from their own mean: what changes all of them alike makes no stranger.
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
