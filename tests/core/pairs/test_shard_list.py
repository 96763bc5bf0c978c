"""The records of all shards, packed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from c2l.errors import BadWeights
from c2l.pairs import ShardRecord, build_pairs, finish_pairs, read_manifest
from c2l.pairs.records import shard_name
from c2l.pairs.shard_list import ShardList
from c2l.testing import toy_parts


def record(index: int) -> ShardRecord:
    return ShardRecord(shard_name(index), 7 + index, f"{index:064x}", 2**40, f"kind {index % 2}")


RECORDS = [record(index) for index in range(5)]


def test_it_gives_back_what_it_took() -> None:
    found = ShardList(RECORDS)
    assert list(found) == RECORDS and [found[i] for i in range(5)] == RECORDS
    assert (found[-1], found[1:3], len(found)) == (RECORDS[-1], RECORDS[1:3], 5)
    assert found.num_pairs == 7 + 8 + 9 + 10 + 11
    with pytest.raises(IndexError):
        found[5]


def test_lists_are_equal_where_all_records_are() -> None:
    assert ShardList(RECORDS) == ShardList(RECORDS) != ShardList(RECORDS[:4])
    for change in ({"num": 1}, {"sha256": "f" * 64}, {"size": 1}, {"made_on": "kind 1"}):
        other = [dataclasses.replace(RECORDS[0], **change), *RECORDS[1:]]
        assert ShardList(other) != ShardList(RECORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"file": shard_name(1)},
        {"sha256": "12"},
        {"sha256": "x" * 64},
        {"num": 2**63},
        {"size": "1"},
    ],
)
def test_what_is_no_record_of_its_place_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        ShardList([dataclasses.replace(RECORDS[0], **change)])


def test_a_record_under_another_name_is_told(tmp_path: Path) -> None:
    build_pairs(*toy_parts(), 30, tmp_path, shard_size=10, batch_size=5)
    plan = read_manifest(tmp_path)
    dataclasses.replace(plan, shards=ShardList()).write(tmp_path)
    (tmp_path / "pairs-00001.json").write_bytes((tmp_path / "pairs-00002.json").read_bytes())
    with pytest.raises(BadWeights, match=r"pairs-00002\.safetensors is not the record of shard 1"):
        finish_pairs(tmp_path)
