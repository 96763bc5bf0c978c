"""Several workers: the same bytes as one, and nothing left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch
import toy_workers
from torch import Tensor
from toy_workers import end_at_once, toy_job

import c2l
from c2l.errors import IncompatibleParts, NotWritable
from c2l.pairs import PairsManifest, ShardRecord, WorkerDied, begin_pairs, build_pairs
from c2l.pairs.drawing import Parts, ShardDrawer, batches_of
from c2l.pairs.engines import local
from c2l.pairs.job import Job, job_of
from c2l.testing import toy_parts


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_batches_cover_a_shard() -> None:
    batches = batches_of(range(100, 120), 8)
    assert [(batch.start, batch.num, batch.size) for batch in batches] == [
        (100, 8, 8), (108, 8, 8), (116, 4, 8)]  # fmt: skip


def test_two_workers_write_the_bytes_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "job_of", toy_job)
    seen: list[int] = []
    for num in (1, 2):
        seen.clear()
        build_pairs(
            *toy_parts(),
            50,
            tmp_path / str(num),
            shard_size=20,
            batch_size=8,
            workers=num,
            on_progress=lambda done, total: seen.append(done),
        )
        assert (seen[0], seen[-1]) == (0, 50)
        assert seen == sorted(seen)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_two_devices_are_two_processes_that_write_while_they_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "job_of", toy_workers.job_that_writes_late)
    build_pairs(*toy_parts(), 50, tmp_path / "one", shard_size=10, batch_size=8)
    engine = local.LocalEngine(("cpu", "cpu"))
    build_pairs(*toy_parts(), 50, tmp_path / "two", shard_size=10, batch_size=8, engine=engine)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_a_shard_is_written_while_the_next_one_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_begun, write = threading.Event(), ShardDrawer.write

    def slow(self: ShardDrawer, index: int, *drawn: Tensor) -> ShardRecord:
        if index == 0:
            assert second_begun.wait(60)
        return write(self, index, *drawn)

    monkeypatch.setattr(ShardDrawer, "write", slow)

    def on_progress(done: int, total: int) -> None:
        if done > 20:
            second_begun.set()

    pairs = build_pairs(
        *toy_parts(), 50, tmp_path, shard_size=20, batch_size=8, on_progress=on_progress
    )
    assert len(pairs.manifest.shards) == 3


def test_a_shard_that_could_not_be_written_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: ShardDrawer, index: int, *drawn: Tensor) -> ShardRecord:
        raise NotWritable("no space left", hint="Make room")

    monkeypatch.setattr(ShardDrawer, "write", full)
    with pytest.raises(NotWritable, match="no space left"):
        build_pairs(*toy_parts(), 50, tmp_path, shard_size=20, batch_size=8)


def test_a_worker_says_which_shard_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then it draws another one."""
    monkeypatch.setattr(local, "job_of", toy_workers.job_that_cannot_write)
    engine = local.LocalEngine(("cpu", "cpu"), is_one_of_many=True)
    with pytest.raises(NotWritable, match=r"^node \S+, pairs-00000\.safetensors: no space"):
        build_pairs(*toy_parts(), 50, tmp_path, shard_size=10, batch_size=8, engine=engine)


def test_the_number_of_threads_has_no_say(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            build_pairs(*toy_parts(), 30, tmp_path / str(threads))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_worker_that_dies_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(parts: Parts, plan: PairsManifest, out: Path) -> Job:
        return Job(partial(end_at_once, 3), plan, out)

    monkeypatch.setattr(local, "job_of", killed)
    with pytest.raises(WorkerDied) as caught:
        build_pairs(*toy_parts(), 40, tmp_path, shard_size=20, workers=2)
    assert "`workers`" in caught.value.hint


def test_parts_are_loaded_again_by_reference(tmp_path: Path) -> None:
    parts = c2l.load_generator("stylegan:demo-faces"), c2l.load_embedder("openclip:demo")
    plan = begin_pairs(parts, 10, tmp_path)
    job = pickle.loads(pickle.dumps(job_of(parts, plan, tmp_path)))
    again = job.open("cpu").parts
    assert again[0].fingerprint() == parts[0].fingerprint()
    assert again[1].reference == "openclip:demo"
    parts[0].mapping.w_avg.add_(1)
    with pytest.raises(IncompatibleParts, match="other weights"):
        job_of(parts, plan, tmp_path).open("cpu")


SCRIPT = """
import sys
from pathlib import Path
from c2l.pairs import build_pairs
from c2l.pairs.engines import local
from c2l.testing import toy_parts
sys.path.insert(0, sys.argv[2])
from toy_workers import toy_job

if __name__ == "__main__":
    local.job_of = toy_job
    build_pairs(*toy_parts(), 10**6, Path(sys.argv[1]), shard_size=32, batch_size=8,
                workers=2,
                on_progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "p"), str(Path(toy_workers.__file__).parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 64:
            break
    assert len(in_session(process.pid)) >= 3
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: to parent and workers alike
    else:
        process.send_signal(how)
    _, errors = process.communicate()
    deadline = time.monotonic() + 60
    while in_session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not in_session(process.pid)
    if how == signal.SIGINT:
        assert errors.count("Traceback") <= 2 and "PairsInterrupted" in errors
        assert "Process SpawnProcess" not in errors


def in_session(leader: int) -> list[int]:
    """The processes of a session that are still at work."""
    alive = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            alive.append(int(entry.parent.name))
    return alive
