"""Whether the shards of a folder are what their records say, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from c2l.errors import BadWeights
from c2l.pairs.manifest import read_manifest
from c2l.pairs.records import ShardRecord, list_shards, read_records, shard_name
from c2l.places import Place, place_of


@dataclass(frozen=True)
class Damage:
    """A shard that is not what it should be.

    Args:
        file: its name.
        what: what is wrong with it.
    """

    file: str
    what: str


@dataclass(frozen=True)
class Verified:
    """What hashing a folder found.

    Args:
        num_shards: how many were hashed.
        size: their bytes.
        made_on: on which kinds of processor they were made. Bits are promised within a kind.
        damaged: those that are not what their records say.
    """

    num_shards: int
    size: int
    made_on: tuple[str, ...]
    damaged: tuple[Damage, ...]


def verify_pairs(
    folder: Place | str, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Verified:
    """Hash every finished shard, and compare.

    Args:
        on_progress: called with the number of shards hashed, and their total.
    Raises:
        BadInput: there are no pairs.
        BadWeights: the manifest is damaged.
    """
    folder = place_of(folder)
    plan = read_manifest(folder)
    indices = sorted(i for i in list_shards(folder).finished if i < plan.num_shards)
    on_progress(0, len(indices))
    kinds, damaged, size = set(), [], 0
    for done, index in enumerate(indices, start=1):
        try:
            (record,) = read_records(folder, [index])
            size += record.size
            kinds.add(record.made_on)
            what = _damage(folder, shard_name(index), record)
        except BadWeights as error:
            what = error.message
        if what:
            damaged.append(Damage(shard_name(index), what))
        on_progress(done, len(indices))
    return Verified(len(indices), size, tuple(sorted(kinds - {""})), tuple(damaged))


def _damage(folder: Place, name: str, record: ShardRecord) -> str:
    if record.file != name:
        return f"its record is that of {record.file}"
    try:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return "" if digest == record.sha256 else "its sha256 is not the recorded one"
