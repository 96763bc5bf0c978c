"""Lists of seeds as people write them: ``1-4`` or ``1,2,5-10``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from c2l.ranges import MOST_SEED

MOST_PICTURES = 1_000_000
"""Of one request, so that a typing error does not ask for four billion."""

_RUN = re.compile(r"\s*(\d{1,40})(?:\s*-\s*(\d{1,40}))?\s*")


def parse_seeds(text: str) -> tuple[int, ...]:
    """``1,2,5-10`` to seeds.

    Raises:
        ValueError: anything else, one line that says what.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _RUN.fullmatch(part)
        if match is None:
            raise ValueError(f"'{text}' is not a list of seeds")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"the seeds '{part.strip()}' run backwards: write {last}-{first}")
        if last > MOST_SEED:
            raise ValueError(f"seed {last} is above {MOST_SEED}")
        if len(seeds) + last - first >= MOST_PICTURES:
            raise ValueError(f"'{text}' is more than {MOST_PICTURES:,} seeds")
        seeds.extend(range(first, last + 1))
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """Seeds as ``parse_seeds`` reads them, runs in short."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
