"""Directions from two groups of latents: pictures without a thing, and pictures with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from c2l.editing.directions.direction import Direction, made_direction
from c2l.editing.directions.keeping import without_kept
from c2l.editing.directions.measuring import (
    MOST_TRIED,
    Count,
    OnProgress,
    calibrate,
    look,
    see,
)
from c2l.errors import BadInput
from c2l.sampling.parts import Parts


def from_groups(
    parts: Parts,
    without: Tensor,
    shown: Tensor,
    *,
    name: str = "groups",
    keep: Sequence[str] = (),
    made: Mapping[str, Any] | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Direction:
    """From the mean of one group of latents to that of another.

    Args:
        without: pictures that do not show the thing, latents (B, K, D).
        shown: pictures that do, (B', K, D).
        keep: what should stay, each in words.
        made: for the card: what the groups are.
        seed: of the prior, for ``keep``.
        on_progress: called as pictures are drawn.
    Raises:
        BadInput: a group is empty, or nothing tells the two apart.
    """
    for group, field in ((without, "without"), (shown, "shown")):
        if not len(group):
            raise BadInput(
                "a group of no pictures has no mean", hint="Give one or more", field=field
            )
    facts = made or {"by": "groups", "without": len(without), "shown": len(shown)}
    return between(
        parts, None, without, shown, name, facts, keep=keep, seed=seed, on_progress=on_progress
    )


def between(
    parts: Parts,
    raw: Tensor | None,
    without: Tensor,
    shown: Tensor,
    name: str,
    made: Mapping[str, Any],
    *,
    keep: Sequence[str],
    seed: int,
    on_progress: OnProgress | None,
) -> Direction:
    """A direction, long enough to lead from one group of latents (B, K, D) to the other.

    Args:
        raw: the way it points, (K, D); None for the difference of the groups' means.
    """
    space, device = parts.generator.latent_space, parts.generator.device
    here, there = (space.expand(group.to(device).float()) for group in (without, shown))
    step = there.mean(dim=0) - here.mean(dim=0) if raw is None else space.expand(raw[None])[0]
    count = Count(len(here) + len(there) + MOST_TRIED, on_progress)
    pool = look(parts, here, on_seen=count)
    step = without_kept(parts, step, keep, pool, name, seed=seed)
    found = calibrate(parts, step, pool, see(parts, there, on_seen=count), name, count)
    count.finish()
    return made_direction(parts, found.step, name, {**made, "keep": list(keep)}, found.measures)
