"""Directions from two prompts, by the prior."""

from __future__ import annotations

from collections.abc import Sequence

from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.keeping import without_kept
from c2l.editing.directions.measuring import calibrate, own_pictures, see
from c2l.editing.directions.texts import answers, text_difference
from c2l.editing.parts import Parts
from c2l.errors import BadInput

NUM_PICTURES = 96
"""That a direction is the mean of."""

FEWEST_PICTURES = 8
_SHOWN = 32
"""Pictures with the thing that are drawn."""

_POOL = 1.5
"""Pictures drawn for each that is taken: those that are most like ``end`` already are left out."""


def from_prompts(
    parts: Parts,
    start: str,
    end: str,
    *,
    keep: Sequence[str] = (),
    num: int = NUM_PICTURES,
    seed: int = 0,
) -> Direction:
    """From what ``start`` says to what ``end`` says.

    The mean, over pictures of the generator's own that are not like ``end`` yet, of how the prior's
    answer moves when the picture's embedding moves from one text to the other.

    Args:
        keep: what shall stay, each in words: the directions of these are taken out.
        num: pictures, 8 or more.
        seed: of the first of them.
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
    pool = own_pictures(parts, round(_POOL * num), seed)
    like_end = (pool.seen / pool.seen.norm(dim=1, keepdim=True)) @ difference.to(pool.seen)
    without = pool.rows(like_end.argsort().cpu()[:num])
    moves = answers(parts, without.seen, difference, first_seed=seed)
    raw = without_kept(parts, moves.mean(dim=0), keep, without, name, seed=seed)
    shown = see(parts, (without.latents + moves)[:_SHOWN])
    found = calibrate(parts, raw, without, shown, name)
    made = {"by": "prompts", "start": start, "end": end, "keep": list(keep), "num": num}
    made["seed"] = seed
    return made_direction(parts, found.step, name, made, found.measures)
