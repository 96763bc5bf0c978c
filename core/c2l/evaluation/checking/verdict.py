"""What the scores of a check mean: which part does not fit, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from c2l.bridge.clouds import LEAST_TOLD, least_named
from c2l.training.oddities import Oddity

Range = tuple[float | None, float | None]
"""The lowest and the highest value that is normal; None for no bound."""

Fault = Literal["generator", "embedder", "prior", "bridge", "prompts", "alike", "unusual"]
"""What is wrong: a part; or the prior's bridge from text to pictures; or prompts that do not suit
the generator; or pictures that are all alike; or scores that its authors did not see."""

GAIN = 0.5
"""Pictures should be nearer to their prompts than to others by half of what the nearest of the
fresh pictures are."""
AGAIN = 0.25
"""Reconstructions should come a quarter of the way from any other picture to the same one."""
TRACE = 0.2
"""A prior of which less is left, in either respect, has nothing to do with these pictures."""
CHANCE = 2.5
"""Times what chance alone moves the mean of pictures by."""
MOST_AWAY = 2.0
LEAST_DIVERSITY = 0.05


@dataclass(frozen=True)
class Verdict:
    """Whether a pipeline draws what it is asked for.

    Args:
        fault: None if all is well.
        text: one or two sentences.
    """

    fault: Fault | None
    text: str


def ranges(num_fresh: int, expected: Mapping[str, Range]) -> dict[str, Range]:
    """The normal values of scores: those that hold for any pipeline, and ``expected`` ones.

    Args:
        num_fresh: M, how many fresh pictures the scores rest on.
        expected: of this pipeline alone.
    """
    return {
        "told": (LEAST_TOLD, None),
        "diversity": (LEAST_DIVERSITY, None),
        "latents_away": (None, MOST_AWAY),
        # The mean of M pictures strays by their spread over the root of M.
        "pictures_moved": (None, CHANCE / num_fresh**0.5),
        **expected,
    }


def judge(
    scores: Mapping[str, float], normal: Mapping[str, Range], unread: Sequence[Oddity] = ()
) -> Verdict:
    """The likeliest cause, the surest signs first.

    Args:
        scores: as ``measure`` gives them.
        normal: as ``ranges`` gives them.
        unread: as ``find_unread`` finds them: then scores of prompts say little.
    """
    reachable, least = scores["named_neighbours"], least_named(scores["again_other"])
    gain = scores["named"] / max(reachable, least)
    again = (scores["again"] - scores["again_other"]) / max(1 - scores["again_other"], 1e-6)
    moved = not within(scores.get("pictures_moved"), normal["pictures_moved"])
    if not within(scores["latents_away"], normal["latents_away"]):
        return Verdict(
            "generator",
            "the prior's latents lie where this generator has none: it was trained for another "
            "generator, or its file is damaged",
        )
    if moved and max(gain, again) >= TRACE:
        return Verdict(
            "embedder",
            "the embedder sees this generator's pictures differently than in training, though the "
            "prior still follows them: most likely the preprocessing differs (range, colour order, "
            "size), or the embedder's weights do; or this is a later version of the generator",
        )
    if moved:
        return Verdict(
            "generator",
            "these are not the pictures that the prior was trained on, and it follows neither "
            "prompts nor pictures: this is another generator, or another embedder",
        )
    for oddity in unread:
        if oddity.deaf:
            return Verdict("prompts", f"{oddity.text}: {oddity.cure}")
    if reachable < least or not within(scores["told"], normal["told"]):
        return Verdict(
            "prompts",
            "none of these prompts is near anything the generator draws: give a `domain` that "
            "suits it, or check the embedder",
        )
    if gain < GAIN and again < AGAIN:
        return Verdict(
            "prior",
            "the prior does not listen: what it draws matches neither the prompts nor the pictures "
            "that it is given, though the generator can draw what the prompts name: its weights "
            "are broken, or it was trained on other pairs or for another training of this "
            "generator, or pictures reach the embedder differently than in training (with swapped "
            "colours, say)",
        )
    if gain < GAIN:
        return Verdict(
            "bridge",
            "the prior follows pictures, but not prompts: its bridge from text to pictures does "
            "not suit this embedder, or it was trained with another text tower",
        )
    if not within(scores["diversity"], normal["diversity"]):
        return Verdict(
            "alike", "it draws what prompts ask for, but all pictures of a prompt look alike"
        )
    unusual = [n for n, bounds in normal.items() if n in scores and not within(scores[n], bounds)]
    if unusual:
        return Verdict(
            "unusual",
            "it draws what prompts ask for, but some scores are not what its authors saw: "
            f"{' and '.join(unusual)}; perhaps the preprocessing or the sampling settings differ",
        )
    return Verdict(None, "it draws what prompts ask for, and all scores are normal")


def within(value: float | None, bounds: Range) -> bool:
    """Whether a value lies between bounds; one that was not measured does."""
    low, high = bounds
    return value is None or ((low is None or value >= low) and (high is None or value <= high))
