"""Shares of a folder: drawn by processes that know nothing of each other, to the same bytes."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from c2l.errors import BadInput, ExitCode, IncompatibleParts, NotWritable
from c2l.pairs import (
    ALL,
    LocalEngine,
    PairsManifest,
    Share,
    begin_pairs,
    build_pairs,
    draw_pairs,
    finish_pairs,
    pairs_status,
    parse_ranges,
    verify_pairs,
)
from c2l.pairs.drawing import Parts
from c2l.pairs.job import naming
from c2l.pairs.shares import format_ranges
from c2l.testing import ToyEmbedder, ToyGenerator, toy_parts

HERE = LocalEngine(("cpu",))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def begin(out: Path, num: int = 50) -> tuple[Parts, PairsManifest]:
    parts = toy_parts()
    return parts, begin_pairs(parts, num, out, shard_size=10, batch_size=4)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("3", ((3, 3),)), ("0-99", ((0, 99),)), ("0-2,7,9-9", ((0, 2), (7, 7), (9, 9)))],
)
def test_ranges(text: str, ranges: tuple[tuple[int, int], ...]) -> None:
    assert parse_ranges(text) == ranges


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "1-2-3", "1,,2"])
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(BadInput, match="is not a list of places"):
        parse_ranges(text)


def test_ranges_are_written_as_they_are_read() -> None:
    assert format_ranges([0, 1, 2, 7, 9, 10]) == "0-2,7,9-10"
    assert format_ranges([]) == ""


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_ranks_share_all_shards_out(world: int) -> None:
    shares = [Share(rank, world) for rank in range(world)]
    assert all(sum(i in share for share in shares) == 1 for i in range(20))


@pytest.mark.parametrize(("rank", "world"), [(4, 4), (-1, 4), (0, 0)])
def test_ranks_that_are_none(rank: int, world: int) -> None:
    with pytest.raises(BadInput):
        Share(rank, world)


@pytest.mark.parametrize(
    "shares",
    [
        [Share(rank, 3) for rank in range(3)],
        [Share(ranges=((2, 4),)), Share(ranges=((0, 2),))],
        [Share(0, 2), Share(0, 3), Share(1, 3), Share(2, 3)],  # of another world size
    ],
)
def test_shares_fill_a_folder_as_one_process_does(tmp_path: Path, shares: list[Share]) -> None:
    build_pairs(*toy_parts(), 50, tmp_path / "whole", shard_size=10, batch_size=4)
    for share in shares:
        parts, plan = begin(tmp_path / "p")
        draw_pairs(parts, plan, tmp_path / "p", HERE, share)
    finish_pairs(tmp_path / "p")
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")


def test_progress_is_that_of_the_share(tmp_path: Path) -> None:
    parts, plan = begin(tmp_path)
    seen: list[tuple[int, int]] = []
    draw_pairs(parts, plan, tmp_path, HERE, Share(0, 2), on_progress=lambda *now: seen.append(now))
    assert (seen[0], seen[-1]) == ((0, 30), (30, 30))
    draw_pairs(parts, plan, tmp_path, HERE, ALL, on_progress=lambda *now: seen.append(now))
    assert seen[-1] == (50, 50)


def test_a_range_behind_the_end(tmp_path: Path) -> None:
    parts, plan = begin(tmp_path)
    draw_pairs(parts, plan, tmp_path, HERE, Share(ranges=((4, 99),)))
    with pytest.raises(BadInput, match="no shards 5 to 99: the folder has 5"):
        draw_pairs(parts, plan, tmp_path, HERE, Share(ranges=((0, 1), (5, 99))))


def test_of_several_who_begin_one_folder_at_once_one_does(tmp_path: Path) -> None:
    """Their batches differ, as on a GPU and a CPU; who comes second follows the first."""
    together, plans = threading.Barrier(4), []

    def start(batch_size: int) -> None:
        together.wait()
        try:
            plans.append(begin_pairs(toy_parts(), 50, tmp_path, batch_size=batch_size))
        except IncompatibleParts:
            plans.append(None)

    threads = [threading.Thread(target=start, args=(size,)) for size in (4, 8, 16, 32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (plan,) = [plan for plan in plans if plan]
    assert json.loads((tmp_path / "manifest.json").read_text())["batch_size"] == plan.batch_size
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_folder_says_how_far_it_is(tmp_path: Path) -> None:
    parts, plan = begin(tmp_path, num=55)
    draw_pairs(parts, plan, tmp_path, HERE, Share(1, 2))
    status = pairs_status(tmp_path)
    assert (status.num_done, status.num_shards_done, status.missing) == (25, 3, "0,2,4")
    assert status.size == sum(path.stat().st_size for path in tmp_path.glob("*.safetensors"))
    assert not status.complete and status.per_hour > 0
    with pytest.raises(BadInput, match="25 of 55 pairs"):
        finish_pairs(tmp_path)
    with pytest.raises(BadInput, match="holds no pairs"):
        pairs_status(tmp_path / "nowhere")


def test_hashing_finds_what_sizes_do_not(tmp_path: Path) -> None:
    parts, plan = begin(tmp_path)
    draw_pairs(parts, plan, tmp_path, HERE, Share(ranges=((0, 3),)))
    assert verify_pairs(tmp_path).damaged == ()
    data = bytearray((tmp_path / "pairs-00001.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "pairs-00001.safetensors").write_bytes(data)
    other = (tmp_path / "pairs-00000.json").read_bytes()
    (tmp_path / "pairs-00002.json").write_bytes(other)
    (tmp_path / "pairs-00003.json").write_text("{}")
    found = verify_pairs(tmp_path)
    assert found.num_shards == 4 and "torch" in found.made_on[0]
    assert [(d.file[6:11], d.what.split(" is ")[-1][:24]) for d in found.damaged] == [
        ("00001", "not the recorded one"),
        ("00002", "that of pairs-00000.safe"),
        ("00003", "not the record of a shar"),
    ]


def test_an_error_names_node_and_shard(tmp_path: Path) -> None:
    said = r"^node \S+, pairs-00007.safetensors: no space"
    with pytest.raises(NotWritable) as full, naming(7):
        raise NotWritable("no space", hint="Make room")
    assert re.match(said, str(full.value))
    assert full.value.hint == "Make room" and full.value.exit_code == ExitCode.FAILED


def test_a_folder_of_the_toys_of_another_world(tmp_path: Path) -> None:
    begin(tmp_path)
    with pytest.raises(IncompatibleParts, match="with other weights"):
        begin_pairs((ToyGenerator(salt=1), ToyEmbedder()), 50, tmp_path)
