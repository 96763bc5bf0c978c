"""How far a folder is, whoever fills it: one listing, and no shard or record is opened."""

from __future__ import annotations

from dataclasses import dataclass

from c2l.pairs.beats import Worker, workers_of
from c2l.pairs.manifest import PairsManifest, read_manifest
from c2l.pairs.records import list_shards
from c2l.pairs.shares import format_ranges
from c2l.places import Place, place_of

_LONGEST = 60
"""Letters of what is missing that a line has room for."""


@dataclass(frozen=True)
class FolderStatus:
    """How far a folder is.

    Args:
        plan: its manifest.
        num_shards_done, num_done, size: finished shards, their pairs, and their bytes.
        missing: places of shards that are not finished, as ``0-99,120``.
        per_hour: how many pairs an hour the last hour of work gave; by the clock of whoever serves
            the files, so that those of nodes may differ. 0 while one shard tells nothing.
        workers: who draws, or was killed while it did; the most silent first.
    """

    plan: PairsManifest
    num_shards_done: int
    num_done: int
    size: int
    missing: str
    per_hour: int
    workers: tuple[Worker, ...]

    @property
    def complete(self) -> bool:
        """Whether all pairs are on disk."""
        return self.num_done == self.plan.num

    @property
    def missing_in_short(self) -> str:
        """The beginning of what is missing."""
        if len(self.missing) <= _LONGEST:
            return self.missing
        return f"{self.missing[:_LONGEST].rpartition(',')[0]},…"


def pairs_status(folder: Place | str) -> FolderStatus:
    """Look at a folder.

    Raises:
        BadInput: it holds no pairs.
        BadWeights: its manifest is damaged.
    """
    folder = place_of(folder)
    plan = read_manifest(folder)
    listing = list_shards(folder)
    done = sorted(i for i in listing.finished if i < plan.num_shards)
    missing = [i for i in range(plan.num_shards) if i not in listing.finished]
    last = max((listing.times[i] for i in done), default=0.0)
    lately = [i for i in done if listing.times[i] > last - 3600]
    since = min((listing.times[i] for i in lately), default=last)
    # The first of them tells when the counting begins.
    drawn = sum(map(plan.shard_length, lately)) - (plan.shard_size if lately else 0)
    return FolderStatus(
        plan,
        len(done),
        sum(map(plan.shard_length, done)),
        sum(listing.sizes[i] for i in done),
        format_ranges(missing),
        round(max(0, drawn) / (last - since) * 3600) if last > since else 0,
        tuple(workers_of(folder)),
    )
