"""Which shards of a folder are drawn by one of several processes that know nothing of each other.

A share is a rule about places, not about what is missing: processes that start at different times,
or again, have the same one. What is finished within it is left out later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from c2l.errors import BadInput


@dataclass(frozen=True)
class Share:
    """A part of the shards of a folder.

    Args:
        rank, world: every ``world``-th shard, from place ``rank`` on.
        ranges: or those in any of these, each from its first place to its last; empty for all.
    """

    rank: int = 0
    world: int = 1
    ranges: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.world < 1:
            raise BadInput(
                f"`world={self.world}` is below 1", hint="Use `world=1` or more", field="world"
            )
        if not 0 <= self.rank < self.world:
            raise BadInput(
                f"`rank={self.rank}` is not one of {self.world} processes",
                hint=f"Use `rank` from 0 to {self.world - 1}",
                field="rank",
            )

    def __str__(self) -> str:
        if self.ranges:
            return f"shards {','.join(map(_spell, self.ranges))}"
        return f"rank {self.rank} of {self.world}"

    def __contains__(self, index: int) -> bool:
        if index % self.world != self.rank:
            return False
        return not self.ranges or any(first <= index <= last for first, last in self.ranges)

    def check(self, num_shards: int) -> None:
        """Raises ``BadInput`` where a range begins behind the last shard."""
        for first, last in self.ranges:
            if first >= num_shards:
                raise BadInput(
                    f"there are no shards {first} to {last}: the folder has {num_shards:,}",
                    hint=f"Use `shards` from 0 to {num_shards - 1}",
                    field="shards",
                )


ALL = Share()


def parse_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """``0-99,120`` as ranges. Raises ``BadInput``."""
    try:
        ranges = [tuple(map(int, part.split("-"))) for part in text.split(",")]
        pairs = tuple((part[0], part[-1]) for part in ranges if len(part) <= 2)
    except ValueError:
        pairs = ()
    if not pairs or len(pairs) < len(ranges) or any(first > last for first, last in pairs):
        raise BadInput(
            f"`shards={text}` is not a list of places",
            hint="Write it as in `shards=0-99,120`",
            field="shards",
        )
    return pairs


def format_ranges(indices: Sequence[int]) -> str:
    """Places in ascending order as ``parse_ranges`` reads them."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(_spell((run[0], run[1])) for run in runs)


def _spell(run: tuple[int, int]) -> str:
    first, last = run
    return str(first) if first == last else f"{first}-{last}"
