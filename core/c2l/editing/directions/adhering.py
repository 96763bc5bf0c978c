"""The smallest move that makes one picture show one more thing.

A direction is a mean: where latents are entangled, what it adds to one picture it takes from
another. So a single picture is asked about itself. Its own embedding, moved by the difference of
the texts, says where it should come out, in the thing as in all else; latents are looked for whose
picture comes near that. Of the way there, the part is taken whose picture shows the thing and is
most like what it was. If it does not show, the next round asks for more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.budgets import OPTIMISING
from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.measuring import (
    OnProgress,
    Pictures,
    own_pictures,
    pictures_of,
    see,
)
from c2l.editing.directions.nearing import ANSWERS, come_near
from c2l.editing.directions.texts import as_far_as_shown, is_a_kind, moved_by, text_difference
from c2l.sampling.parts import Parts

NUM_TYPICAL = 16
"""Pictures of each text, which say how clearly it is usually shown."""

_CLEARER = 0.25
"""The share of these that may show it more clearly. A prior may miss a text in every second
picture; to go as far as the clearest would take more of the picture along than has to be."""

_SHARES = (0.4, 0.55, 0.7, 0.85, 1.0)
"""Of the way, that are looked at."""

_DIFFERENCES = (1.25, 1.75)
"""How far each round asks for, in differences of the texts."""

_MOST_OF_THE_WAY = 0.9
"""Between two pictures that show a thing, cosines differ by more than a tenth."""

_LEAST_GAIN = 0.02
"""Of what is missing: a round that gains less changes nothing."""

_TOGETHER = 8
"""Pictures at once, unless memory allows fewer."""


class Wanted(NamedTuple):
    """What is to be shown, once for any number of pictures.

    Args:
        difference: of texts, (E,), along which it is seen how clearly a picture shows it.
        typical: the cosine with it of typical pictures of the text.
        truncation: that all pictures are drawn with.
        missing: what embeddings (B, E) of pictures differ in from those that show it, (B, E).
    """

    difference: Tensor
    typical: float
    truncation: float
    missing: Callable[[Tensor], Tensor]

    def shown(self, seen: Tensor) -> Tensor:
        """How clearly pictures show it, (B,)."""
        return normalize(seen, dim=1) @ normalize(self.difference, dim=0).to(seen.device)


@dataclass(frozen=True)
class Adhered:
    """A picture that shows one more thing.

    Args:
        direction: of its own; strength 1 shows the thing.
        before, after: how clearly the thing is shown: the cosine of the picture and the difference
            of the texts.
        typical: of typical pictures of the text.
    """

    direction: Direction
    before: float
    after: float
    typical: float

    @property
    def reached(self) -> bool:
        """Whether the picture shows it about as clearly as typical ones."""
        return self.after >= self.before + _MOST_OF_THE_WAY * (self.typical - self.before)


def what_is_wanted(parts: Parts, to: str, start: str | None, truncation: float) -> Wanted:
    """A text as what is to be shown.

    Args:
        start: what it is instead of; None for what prompts of the domain have in common.
    Raises:
        BadInput: the embedder cannot tell the two apart.
    """
    difference = text_difference(parts, start, to, field="to")
    typical = pictures_of(parts, to, NUM_TYPICAL, truncation=truncation)
    clear = normalize(typical, dim=1) @ normalize(difference, dim=0).to(typical)
    missing = _missing(parts, to, start, difference, truncation)
    return Wanted(difference, float(clear.quantile(1 - _CLEARER)), truncation, missing)


def _missing(
    parts: Parts, to: str, start: str | None, difference: Tensor, truncation: float
) -> Callable[[Tensor], Tensor]:
    """``Wanted.missing``: what is shown instead is left only as far as it is shown."""

    def all_of_it(seen: Tensor) -> Tensor:
        return difference.expand(len(seen), -1)

    if start is None:
        return all_of_it
    shown = pictures_of(parts, start, NUM_TYPICAL, truncation=truncation)
    usual = own_pictures(parts, NUM_TYPICAL, 0, lambda num: None).seen
    if not is_a_kind(parts, start, to, shown, usual):
        return all_of_it
    return lambda seen: as_far_as_shown(parts, start, to, seen, shown, usual)


@torch.no_grad()
def adhere(
    parts: Parts,
    latents: Tensor,
    to: str,
    *,
    start: str | None = None,
    truncation: float = 1.0,
    seed: int = 0,
    on_progress: OnProgress = lambda done, num: None,
) -> list[Adhered]:
    """The smallest moves after which pictures show ``to``.

    Args:
        latents: of the pictures, (B, L, D).
        to: what they are to show, as in ``with sunglasses``.
        start: what they show instead of it, if that is known.
        truncation: that they are drawn with.
        seed: of the prior's first answers.
        on_progress: called with the number of pictures that are done, and of all.
    Raises:
        BadInput: the embedder cannot tell the two texts apart.
    """
    wanted = what_is_wanted(parts, to, start, truncation)
    made = {"by": "adhere", "to": to, "start": start, "seed": seed}
    generator = parts.generator
    at_once = OPTIMISING.pictures(generator.image_size, generator.device.type)
    done: list[Adhered] = []
    for some in latents.split(min(_TOGETHER, at_once)):
        here = Pictures(some, see(parts, some, truncation))
        there = _moved(parts, here, wanted, seed)
        clearness = (wanted.shown(x.seen).tolist() for x in (here, there))
        for step, before, after in zip(there.latents - some, *clearness, strict=True):
            measures = {"before": before, "after": after, "typical": wanted.typical}
            direction = made_direction(parts, step, to, made, measures)
            done.append(Adhered(direction, before, after, wanted.typical))
        on_progress(len(done), len(latents))
    return done


def _moved(parts: Parts, start: Pictures, wanted: Wanted, seed: int) -> Pictures:
    """Pictures, moved until they show what is wanted."""
    before = wanted.shown(start.seen)
    here = start
    for turn, differences in enumerate(_DIFFERENCES):
        left = wanted.shown(here.seen) < wanted.typical
        if not left.any():
            break
        some, own = here.rows(left), start.rows(left)
        goal = moved_by(own.seen, differences * wanted.missing(own.seen))
        first = seed + turn * 2 * ANSWERS
        there = come_near(parts, some, goal, wanted.truncation, first)
        there = _most_alike(parts, own, there, wanted)
        least = _LEAST_GAIN * (wanted.typical - before[left])
        helps = wanted.shown(there.seen) - wanted.shown(some.seen) >= least
        there = there.where(helps, some)
        here = Pictures(here.latents.clone(), here.seen.clone())
        here.latents[left], here.seen[left] = there.latents, there.seen
    return here


def _most_alike(parts: Parts, own: Pictures, there: Pictures, wanted: Wanted) -> Pictures:
    """Of the ways from pictures to others, the places that show what is wanted and are most like
    the pictures; or the others, if no place shows it."""
    shares = torch.tensor(_SHARES, device=own.latents.device)[:, None, None]
    ways = torch.lerp(own.latents[:, None], there.latents[:, None], shares)
    seen = see(parts, ways.flatten(0, 1), wanted.truncation).unflatten(0, ways.shape[:2])
    alike = cosine_similarity(seen, own.seen[:, None], dim=2)
    shown = wanted.shown(seen.flatten(0, 1)).unflatten(0, ways.shape[:2])
    alike = alike.masked_fill(shown < wanted.typical, -torch.inf)
    best = torch.where(alike.amax(dim=1) > -torch.inf, alike.argmax(dim=1), len(_SHARES) - 1)
    row = torch.arange(len(best), device=best.device)
    return Pictures(ways[row, best], seen[row, best])
