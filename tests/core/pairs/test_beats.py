"""Signs of life of those who draw."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest
from torch import Tensor

from c2l.cli.app import main
from c2l.errors import NotWritable
from c2l.pairs import WorkerDied, beats, begin_pairs, build_pairs, draw_pairs, pairs_status
from c2l.pairs.beats import Heart, workers_of
from c2l.pairs.engines import local
from c2l.pairs.engines.local import LocalEngine
from c2l.testing import ToyEmbedder, ToyGenerator, toy_parts


def sign(folder: Path, pid: int, *, silent: float, batch: float = 1.0, shard: int = 3) -> None:
    """Somebody who was last heard of so long ago."""
    file = folder / ".workers" / f"a-{pid}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"node": "a", "pid": pid, "shard": shard, "batch": batch}))
    now = file.stat().st_mtime
    os.utime(file, (now - silent, now - silent))


class Looking(ToyEmbedder):
    """Sees who is at work while it embeds."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.seen = folder, set[tuple[str, int, str, bool]]()

    def embed_images(self, images: Tensor) -> Tensor:
        for worker in workers_of(self.folder):
            self.seen.add((worker.node, worker.pid, worker.shard, worker.hangs))
        return super().embed_images(images)


def test_who_draws_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    embedder = Looking(tmp_path)
    build_pairs(ToyGenerator(), embedder, 20, tmp_path, shard_size=10, batch_size=4)
    here = platform.node(), os.getpid()
    assert embedder.seen == {
        (*here, "pairs-00000.safetensors", False),
        (*here, "pairs-00001.safetensors", False),
    }
    assert not (tmp_path / ".workers").exists()


def test_silence_is_judged_by_the_time_of_a_batch(tmp_path: Path) -> None:
    sign(tmp_path, 1, silent=200)
    sign(tmp_path, 2, silent=400)
    sign(tmp_path, 3, silent=400, batch=100)
    sign(tmp_path, 4, silent=1100, batch=100)
    (tmp_path / ".workers" / "b-5.json").write_text("{}")
    assert [(w.pid, w.hangs) for w in workers_of(tmp_path)] == [
        (4, True), (2, True), (3, False), (1, False)]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / ".workers").iterdir())[0] == "a-1.json"


def test_status_names_who_hangs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin_pairs(toy_parts(), 50, tmp_path, shard_size=10)
    sign(tmp_path, 77, silent=3600)
    assert pairs_status(tmp_path).workers[0].hangs
    assert main(["pairs", "status", str(tmp_path)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: node a, process 77: no sign for 1:00:0")
    assert "pairs-00003.safetensors" in line and "kill -9 77" in line


def test_a_worker_of_our_own_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(local.os, "kill", lambda pid, how: ended.append(pid))
    child = type("Child", (), {"pid": 77})
    monkeypatch.setattr(local.multiprocessing, "active_children", lambda: [child])
    monkeypatch.setattr(local.platform, "node", lambda: "a")
    sign(tmp_path, 78, silent=3600)
    local._end_hanging(tmp_path, age=4000)
    assert not ended
    sign(tmp_path, 77, silent=3600)
    local._end_hanging(tmp_path, age=3000)  # another process had that number
    assert not ended
    with pytest.raises(WorkerDied, match=r"process 77 on node a hung for 3600 s in pairs-00003"):
        local._end_hanging(tmp_path, age=4000)
    assert ended == [77]


def test_a_full_disk_keeps_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        path.parent.mkdir()
        raise NotWritable("the disk is full", hint="")

    monkeypatch.setattr(beats, "write_atomically", full)
    with Heart(tmp_path).beating(0):
        assert not (tmp_path / ".workers").exists()


def test_a_folder_that_takes_no_signs_is_drawn_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".workers").write_text("a file")
    parts = toy_parts()
    plan = begin_pairs(parts, 20, tmp_path, shard_size=10)
    draw_pairs(parts, plan, tmp_path, LocalEngine(("cpu",)))
    assert pairs_status(tmp_path).complete
