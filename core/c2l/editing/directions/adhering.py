"""The smallest move that makes one picture show one more thing.

A direction is a mean: where latents are entangled, what it adds to one picture it takes from
another. So a single picture is asked about itself. Its own embedding, moved along the difference of
the texts until the thing is shown as clearly as usual, says where it should come out; latents are
looked for whose picture comes near that, and near the picture's own colours (see ``goal``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.budgets import OPTIMISING
from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.goal import Goal
from c2l.editing.directions.measuring import (
    OnProgress,
    Pictures,
    look,
    own_pictures,
    pictures_of,
)
from c2l.editing.directions.nearing import come_near
from c2l.editing.directions.texts import as_far_as_shown, is_a_kind, text_difference
from c2l.errors import BadInput
from c2l.sampling.parts import Parts

NUM_TYPICAL = 48
"""Pictures of each text, which say how clearly it is usually shown."""

_CLEARER = 0.25
"""The share of these that may show it more clearly. A prior may miss a text in every second
picture; to go as far as the clearest would take more of the picture along than has to be."""

_NUM_SHOWN = 16
"""Pictures of what is shown instead, and of any kind."""

_MOST_OF_THE_WAY = 0.9
"""Between two pictures that show a thing, cosines differ by more than a tenth."""

_TOGETHER = 8
"""Pictures at once, unless memory allows fewer."""


class Wanted(NamedTuple):
    """What is to be shown, once for any number of pictures.

    Args:
        axes: along each of which it is seen how clearly a picture shows it, unit, (A, E).
        typical: the cosines with them of typical pictures of the text, (A,).
        truncation: that all pictures are drawn with.
        missing: what embeddings (B, E) of pictures differ in from those that show it, (B, E).
    """

    axes: Tensor
    typical: Tensor
    truncation: float
    missing: Callable[[Tensor], Tensor]

    def shown(self, seen: Tensor) -> Tensor:
        """How clearly pictures show it, (B, A)."""
        return normalize(seen, dim=1) @ self.axes.T.to(seen.device)


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
    axes = normalize(torch.stack([difference, *_against_any(parts, to, start)]), dim=1)
    typical = pictures_of(parts, to, NUM_TYPICAL, truncation=truncation)
    clear = normalize(typical, dim=1) @ axes.T.to(typical)
    missing = _missing(parts, to, start, difference, truncation)
    return Wanted(axes, clear.quantile(1 - _CLEARER, dim=0), truncation, missing)


def _against_any(parts: Parts, to: str, start: str | None) -> list[Tensor]:
    """What tells a text from all others, beside what tells it from ``start``.

    From black to blonde, red is half of the way: only against any hair is it no way at all.
    """
    if start is None:  # the difference is that already
        return []
    try:
        return [text_difference(parts, None, to, field="to")]
    except BadInput:  # it says nothing of its own, as in "a face"
        return []


def _missing(
    parts: Parts, to: str, start: str | None, difference: Tensor, truncation: float
) -> Callable[[Tensor], Tensor]:
    """``Wanted.missing``: what is shown instead is left only as far as it is shown."""

    def all_of_it(seen: Tensor) -> Tensor:
        return difference.expand(len(seen), -1)

    if start is None:
        return all_of_it
    shown = pictures_of(parts, start, _NUM_SHOWN, truncation=truncation)
    usual = own_pictures(parts, _NUM_SHOWN, 0, lambda num: None).seen
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
        here = look(parts, some, truncation)
        there = _moved(parts, here, wanted, seed)
        clearness = (wanted.shown(x.seen)[:, 0].tolist() for x in (here, there))
        typical = float(wanted.typical[0])
        for step, before, after in zip(there.latents - some, *clearness, strict=True):
            measures = {"before": before, "after": after, "typical": typical}
            direction = made_direction(parts, step, to, made, measures)
            done.append(Adhered(direction, before, after, typical))
        on_progress(len(done), len(latents))
    return done


def _moved(parts: Parts, here: Pictures, wanted: Wanted, seed: int) -> Pictures:
    """Pictures, moved until they show what is wanted; those that do stay."""
    left = (wanted.shown(here.seen) < wanted.typical.to(here.seen)).any(dim=1)
    if not left.any():
        return here
    own = here.rows(left)
    ways = wanted.missing(own.seen)
    goal = Goal.of(own, wanted.axes, ways, wanted.typical, wanted.truncation)
    return here.with_rows(left, come_near(parts, goal, seed))
