"""A record beside each shard: the only thing that says that a shard is finished.

Whoever draws a shard writes its record, after the shard and once; nobody rewrites anything. So any
number of processes on any number of machines fill one folder without knowing of each other, and
one listing of it says how far they are.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from c2l.errors import BadWeights
from c2l.files import write_atomically

_NAME = re.compile(r"pairs-(\d{5,})\.(json|safetensors)")
_LONGEST = 4096
"""Bytes of a record; a real one has some 250."""
_READERS, _AT_ONCE = 16, 1000
"""Threads that read records where there are many: a file server answers each after a while."""


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
        # Of hundreds of thousands, a few kinds.
        object.__setattr__(record, "made_on", sys.intern(record.made_on))
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


def list_shards(folder: Path) -> Listing:
    """Look at a folder once; no file is opened."""
    records: set[int] = set()
    sizes: dict[int, int] = {}
    times: dict[int, float] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
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


def write_record(folder: Path, index: int, record: ShardRecord) -> None:
    """Say that a shard is finished."""
    text = json.dumps(dataclasses.asdict(record), sort_keys=True) + "\n"
    write_atomically(folder / record_name(index), text.encode())


def remove_record(folder: Path, index: int) -> None:
    """A shard will be drawn again."""
    (folder / record_name(index)).unlink(missing_ok=True)


def read_records(folder: Path, indices: Iterable[int]) -> list[ShardRecord]:
    """Records of finished shards, in the order of ``indices``.

    Raises:
        BadWeights: one is missing or damaged.
    """
    names = [record_name(index) for index in indices]
    if len(names) < _AT_ONCE:
        return _read_some(str(folder), names)
    chunks = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(partial(_read_some, str(folder)), chunks)
        return [record for some in found for record in some]


def _read_some(folder: str, names: Iterable[str]) -> list[ShardRecord]:
    return [_read(folder, name) for name in names]


def _read(folder: str, name: str) -> ShardRecord:
    path = f"{folder}{os.sep}{name}"  # pathlib would take most of the time
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            data = os.read(file, _LONGEST)
        finally:
            os.close(file)
        return ShardRecord.of(json.loads(data))
    except (OSError, ValueError, TypeError) as error:
        raise BadWeights(
            f"{path} is not the record of a shard",
            hint="Remove it and repeat the 'c2l pairs' that filled the folder",
        ) from error
