"""A record beside each shard: the only thing that says that a shard is finished.

Whoever draws a shard writes its record, after the shard and once; nobody rewrites anything. So any
number of processes on any number of machines fill one folder without knowing of each other, and
one listing of it says how far they are.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from c2l.errors import BadWeights
from c2l.files import write_atomically
from c2l.places import Place, list_place, read_many

_NAME = re.compile(r"pairs-(\d{5,})\.(json|safetensors)")


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One finished shard.

    Args:
        file: its name.
        num: how many pairs it holds.
        sha256, size: of the file; the size in bytes, 0 in folders of c2l 1.0.
        made_on: the kind of processor or the name of the GPU, and torch's version: between two
            kinds, the last bits of a pair may differ.
    """

    file: str
    num: int
    sha256: str
    size: int = 0
    made_on: str = ""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        """Raises ``TypeError`` on anything but a record."""
        record = cls(**raw)
        if not (isinstance(record.num, int) and isinstance(record.sha256, str)):
            raise TypeError("record")
        return record


@dataclass(frozen=True)
class Listing:
    """What one look at a folder tells.

    Args:
        finished: places of shards that are there with their record.
        sizes: in bytes, of every shard that is there, by its place.
        times: when each of these was written, in seconds since 1970 by the file server's clock.
    """

    finished: frozenset[int]
    sizes: Mapping[int, int]
    times: Mapping[int, float]


def shard_name(index: int) -> str:
    return f"pairs-{index:05d}.safetensors"


def record_name(index: int) -> str:
    return f"pairs-{index:05d}.json"


def list_shards(folder: Place) -> Listing:
    """Look at a folder once; no file is opened."""
    records: set[int] = set()
    sizes: dict[int, int] = {}
    times: dict[int, float] = {}
    for entry in list_place(folder):
        found = _NAME.fullmatch(entry.name)
        if found is None:
            continue
        index = int(found[1])
        if found[2] == "json":
            records.add(index)
        else:
            facts = entry.stat()
            sizes[index], times[index] = facts.st_size, facts.st_mtime
    return Listing(frozenset(records & sizes.keys()), sizes, times)


def finished_shards(folder: Place) -> frozenset[int]:
    """Places of shards that are there with their record; nothing but names is asked for."""
    found: dict[str, set[int]] = {"json": set(), "safetensors": set()}
    for entry in list_place(folder):
        name = _NAME.fullmatch(entry.name)
        if name is not None:
            found[name[2]].add(int(name[1]))
    return frozenset(found["json"] & found["safetensors"])


def write_record(folder: Place, index: int, record: ShardRecord) -> None:
    """Say that a shard is finished."""
    text = json.dumps(dataclasses.asdict(record), sort_keys=True) + "\n"
    write_atomically(folder / record_name(index), text.encode())


def remove_record(folder: Place, index: int) -> None:
    """A shard will be drawn again."""
    (folder / record_name(index)).unlink(missing_ok=True)


def read_records(folder: Place, indices: Iterable[int]) -> Iterator[ShardRecord]:
    """Records of finished shards, in the order of ``indices``.

    Raises:
        BadWeights: one is missing or damaged.
    """
    names = [record_name(index) for index in indices]
    contents = read_many(folder, names)
    for name in names:
        try:
            record = ShardRecord.of(json.loads(next(contents)))
        except (OSError, ValueError, TypeError) as error:
            raise BadWeights(
                f"{folder / name} is not the record of a shard",
                hint="Remove it and repeat the 'c2l pairs' that filled the folder",
            ) from error
        yield record
