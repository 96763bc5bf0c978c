"""The smallest move that makes one picture show one more thing.

A direction is a mean: where latents are entangled, what it adds to one picture it takes from
another. So a single picture is asked about itself. The prior says several times how its latents
would move if it showed the thing, for this picture alone. The embedding of this very picture, moved
by the difference of the texts, says where it should come out, in the thing as in all else: the
answer that comes nearest is taken, and of it the least part that shows the thing. If none does, the
move goes as far as it helps, and the picture that came out is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.measuring import OnProgress, pictures_of, see
from c2l.editing.directions.texts import moved_by, several_answers, text_difference
from c2l.editing.parts import Parts

NUM_TYPICAL = 16
"""Pictures of the text, which say how clearly it is usually shown."""

_CLEARER = 0.25
"""The share of these that may show it more clearly. A prior may miss a text in every second
picture; to go as far as the clearest would take more of the picture along than has to be."""

_SHARES = (0.25, 0.5, 0.75, 1.0)
_ROUNDS = 4
_HALVINGS = 3
_ANSWERS = 12
"""Answers of the prior, of which the nearest is taken."""

_FURTHER = 0.5
"""How much further each round asks for, in differences of the texts."""

_MOST_OF_THE_WAY = 0.9
"""Between two pictures that show a thing, cosines differ by more than a tenth."""

_LEAST_GAIN = 0.02
"""Of what is missing: a round that gains less changes nothing."""


class Wanted(NamedTuple):
    """What is to be shown, once for any number of pictures.

    Args:
        difference: of texts, (E,).
        typical: the cosine with it of typical pictures of the text.
        truncation: that all pictures are drawn with.
    """

    difference: Tensor
    typical: float
    truncation: float

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
    wanted = Wanted(difference, 0.0, truncation)
    return wanted._replace(typical=float(wanted.shown(typical).quantile(1 - _CLEARER)))


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
    done: list[Adhered] = []
    for row in latents:
        step, before, after = _move(parts, row, wanted, seed)
        measures = {"before": before, "after": after, "typical": wanted.typical}
        direction = made_direction(parts, step, to, made, measures)
        done.append(Adhered(direction, before, after, wanted.typical))
        on_progress(len(done), len(latents))
    return done


def _move(parts: Parts, start: Tensor, wanted: Wanted, seed: int) -> tuple[Tensor, float, float]:
    """The move of one picture's latents (L, D), and how clearly it shows what is wanted."""
    here, seen = start, see(parts, start[None], wanted.truncation)
    own, before = seen, float(wanted.shown(seen))
    now = before
    for turn in range(_ROUNDS):
        if now >= wanted.typical:
            break
        goal = moved_by(own, (1 + turn * _FURTHER) * wanted.difference)
        left = normalize(goal, dim=1) - normalize(seen, dim=1)
        ask = {"first_seed": seed + turn * _ANSWERS, "num": _ANSWERS}
        there, back = (x[:, 0] for x in several_answers(parts, seen, left, **ask))
        moves = torch.cat([there - back, there - here, (there - back).mean(dim=0, keepdim=True)])
        move = _nearest(parts, here, moves, goal, now, wanted)
        share, shown = _least_share(parts, here, move, now, wanted)
        if shown - now < _LEAST_GAIN * (wanted.typical - before):
            continue  # the next round asks for more
        here = here + share * move
        seen, now = see(parts, here[None], wanted.truncation), shown
    return here - start, before, now


def _nearest(
    parts: Parts, here: Tensor, moves: Tensor, goal: Tensor, now: float, wanted: Wanted
) -> Tensor:
    """Of moves (M, L, D) that show it more clearly, the one whose picture comes nearest to an
    embedding (1, E); of others, the one that shows it most."""
    seen = see(parts, here + moves, wanted.truncation)
    shown, near = wanted.shown(seen), cosine_similarity(seen, goal.to(seen))
    if bool((shown > now).any()):
        return moves[int(near.where(shown > now, near.new_tensor(-2.0)).argmax())]
    return moves[int(shown.argmax())]


def _least_share(
    parts: Parts, here: Tensor, move: Tensor, now: float, wanted: Wanted
) -> tuple[float, float]:
    """The least share of a move (L, D) that shows what is wanted, or else the one that shows most.

    And how clearly it does.
    """
    low = 0.0, now
    tried = [low]
    shares = torch.tensor(_SHARES, device=here.device)
    shown = wanted.shown(
        see(parts, here + shares[:, None, None] * move, wanted.truncation)
    ).tolist()
    for point in zip(_SHARES, shown, strict=True):
        if point[1] < wanted.typical:
            tried.append(point)
            low = point
            continue
        for _ in range(_HALVINGS):
            middle = (low[0] + point[0]) / 2
            at = (
                middle,
                float(wanted.shown(see(parts, (here + middle * move)[None], wanted.truncation))),
            )
            low, point = (low, at) if at[1] >= wanted.typical else (at, point)
        return point
    return max(tried, key=lambda pair: pair[1])
