"""The records of all shards of a folder, in 50 bytes each: there may be half a million."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from c2l.pairs.records import ShardRecord, shard_name

_DIGEST = 32
"""Bytes of a sha256."""


class ShardList(Sequence[ShardRecord]):
    """Records in the order of their shards, which is that of their names.

    Args:
        records: taken one at a time.
    Raises:
        ValueError, TypeError: one is not that of its place, or holds what is no number or sha256.
    """

    def __init__(self, records: Iterable[ShardRecord] = ()) -> None:
        self._nums, self._sizes, self._kind_of = array("q"), array("q"), array("H")
        self._digests = bytearray()
        self._kinds: dict[str, int] = {}  # of a whole cluster, a few
        for record in records:
            self.append(record)

    def append(self, record: ShardRecord) -> None:
        """Take the record of the next shard. Raises as the class does."""
        digest = bytes.fromhex(record.sha256)
        if record.file != shard_name(len(self)) or len(digest) != _DIGEST:
            raise ValueError(f"{record.file} is not the record of shard {len(self)}")
        try:
            self._nums.append(record.num)
            self._sizes.append(record.size)
        except OverflowError as error:
            raise ValueError(f"{record.file} is too large") from error
        self._kind_of.append(self._kinds.setdefault(record.made_on, len(self._kinds)))
        self._digests += digest

    @property
    def num_pairs(self) -> int:
        """In all of them."""
        return sum(self._nums)

    def __len__(self) -> int:
        return len(self._nums)

    @overload
    def __getitem__(self, index: int) -> ShardRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ShardRecord]: ...
    def __getitem__(self, index: int | slice) -> ShardRecord | Sequence[ShardRecord]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._record(range(len(self))[index], list(self._kinds))

    def __iter__(self) -> Iterator[ShardRecord]:
        kinds = list(self._kinds)
        for index in range(len(self)):
            yield self._record(index, kinds)

    def _record(self, index: int, kinds: Sequence[str]) -> ShardRecord:
        digest = self._digests[_DIGEST * index : _DIGEST * (index + 1)].hex()
        kind = kinds[self._kind_of[index]]
        return ShardRecord(shard_name(index), self._nums[index], digest, self._sizes[index], kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ShardList):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(bytes(self._digests))

    def _facts(self) -> tuple[object, ...]:
        kinds = list(self._kinds)
        return self._digests, self._nums, self._sizes, [kinds[i] for i in self._kind_of]

    def __repr__(self) -> str:
        return f"<{len(self):,} shards>"
