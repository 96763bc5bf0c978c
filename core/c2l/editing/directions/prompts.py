"""Directions from two prompts, by the prior.

Two ways are tried, and measured on the pictures that come out: to move every picture by the
difference of the two texts; and to leave what ``start`` says only as far as the picture shows
it. The first is more exact where all pictures are somewhere between the two, as with a smile; the
second goes right where most show neither, as with two of many places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import normalize

from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.keeping import without_kept
from c2l.editing.directions.measuring import (
    MOST_TRIED,
    Calibrated,
    Count,
    OnProgress,
    Pictures,
    calibrate,
    own_pictures,
    pictures_of,
    see,
)
from c2l.editing.directions.texts import answers, as_far_as_shown, text_difference
from c2l.errors import BadInput
from c2l.sampling.parts import Parts

NUM_PICTURES = 96
"""That a direction is the mean of."""

FEWEST_PICTURES = 8
_SHOWN = 32
"""Pictures with the thing that are drawn."""

_TYPICAL = 16
"""Pictures of ``start`` that say how clearly it is usually shown."""

_POOL = 1.5
"""Pictures drawn for each that is taken: those that are most like ``end`` already are left out."""


class _Made(NamedTuple):
    """A direction, and what it does to pictures.

    Args:
        shown: how clearly they show the difference of the texts.
        moved: how far they are from what they were.
    """

    found: Calibrated
    shown: float
    moved: float


def from_prompts(
    parts: Parts,
    start: str,
    end: str,
    *,
    keep: Sequence[str] = (),
    num: int = NUM_PICTURES,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Direction:
    """From what ``start`` says to what ``end`` says.

    The mean, over pictures of the generator's own that are not like ``end`` yet, of how the prior's
    answer moves when the picture's embedding moves from one text to the other.

    Args:
        keep: what should stay, each in words: the directions of these are taken out.
        num: pictures, 8 or more.
        seed: of the first of them.
        on_progress: called as pictures are drawn.
    Raises:
        BadInput: a direction of nothing; or ``keep`` leaves nothing of it.
    """
    if num < FEWEST_PICTURES:
        raise BadInput(
            f"`num={num}` pictures are too few for a mean",
            hint=f"Use `num={FEWEST_PICTURES}` or more",
            field="num",
        )
    name = f"{start} -> {end}"
    difference = text_difference(parts, start, end)
    num_pool = round(_POOL * num)
    count = Count(num_pool + _TYPICAL + 2 * (2 * _SHOWN + MOST_TRIED), on_progress)
    pool = own_pictures(parts, num_pool, seed, count)
    like_end = (pool.seen / pool.seen.norm(dim=1, keepdim=True)) @ difference.to(pool.seen)
    without = pool.rows(like_end.argsort().cpu()[:num])

    def made(differences: Tensor) -> _Made:
        moves = answers(parts, without.seen, differences, first_seed=seed)
        raw = without_kept(parts, moves.mean(dim=0), keep, without, name, seed=seed)
        shown = see(parts, (without.latents + moves)[:_SHOWN], on_seen=count)
        found = calibrate(parts, raw, without, shown, name, count)
        return _measured(parts, found, without, difference, count)

    best = made(difference)
    typical = pictures_of(parts, start, _TYPICAL, on_seen=count)
    try:
        other = made(as_far_as_shown(parts, start, end, without.seen, typical, pool.seen))
    except BadInput:  # a direction of nothing
        other = best
    if other.shown > best.shown and other.moved < best.moved:
        best = other
    count.finish()
    facts = {"by": "prompts", "start": start, "end": end, "keep": list(keep), "num": num}
    facts["seed"] = seed
    return made_direction(parts, best.found.step, name, facts, best.found.measures)


def _measured(
    parts: Parts, found: Calibrated, without: Pictures, difference: Tensor, count: Count
) -> _Made:
    some = without.latents[:_SHOWN] + found.step
    before, after = (
        normalize(seen, dim=1) for seen in (without.seen[:_SHOWN], see(parts, some, on_seen=count))
    )
    shown = (after @ normalize(difference, dim=0).to(after)).mean()
    return _Made(found, float(shown), float((after - before).norm(dim=1).mean()))
