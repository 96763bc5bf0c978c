"""What more pairs would bring, told before any are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

POINTS_LESS: Mapping[int, float] = {1_000: 4.3, 4_000: 0.9, 12_000: 0.0}
"""How much less a ``flow`` of so many pairs shows of what prompts name than one of 12,000, in
points: ``benchmarks/more_pairs.md``, where truth is known. Of fewer it is more: on one world of
``benchmarks/held_out.md``, twelve points of 300."""
MEASURED = max(POINTS_LESS)
WORTH_SAYING = 1.0


def outlook(num_pairs: int) -> str:
    """What more pairs would bring, in a sentence; empty where that is little, or not known."""
    less = _points_less(num_pairs)
    if less < WORTH_SAYING:
        return ""
    how = "at least" if num_pairs < min(POINTS_LESS) else "about"
    return (
        f"with {num_pairs:,} pairs, expect pictures to show {how} {less:.1f} percentage points "
        f"less of what prompts name than with {MEASURED:,}, and to vary less"
    )


def _points_less(num_pairs: int) -> float:
    """Between the numbers that were measured, straight over the logarithm of pairs."""
    fewest = min(POINTS_LESS)
    if num_pairs <= fewest:
        return POINTS_LESS[fewest]
    for (low, more), (high, less) in pairwise(sorted(POINTS_LESS.items())):
        if num_pairs <= high:
            part = math.log(num_pairs / low) / math.log(high / low)
            return more + part * (less - more)
    return 0.0
