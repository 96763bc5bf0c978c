"""``c2l pairs submit``: what SLURM is asked for, and the scripts that it runs, by a stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import c2l
from c2l.cli.app import main
from c2l.errors import ExitCode
from c2l.pairs.slurm.submitting import arrays_of

torch.set_num_threads(1)
BEGIN = ["pairs", "submit", "-g", "stylegan:demo-faces", "-e", "openclip:demo", "-n", "48"]
BEGIN += ["--shard-size", "8", "--device", "cpu"]

SBATCH = """#!{python}
# Takes what sbatch takes, and writes down the calls; runs nothing.
import os, sys
calls = os.path.join(os.path.dirname(__file__), "calls")
number = sum(1 for _ in open(calls)) + 1 if os.path.exists(calls) else 1
if number == {refuses}:
    sys.exit("sbatch: error: invalid partition")
with open(calls, "a") as file:
    print(*sys.argv[1:], file=file)
print(f"{{100 + number}};cluster")
"""
SCONTROL = """#!/bin/sh
if [ "$1" = show ]; then echo "MaxArraySize            = {size}"; else echo "$@" >> {calls}; fi
"""


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: int = 1001, refuses: int = 0
) -> Path:
    """A SLURM that only writes down what it is asked for; gives the file."""
    folder.mkdir()
    calls = folder / "calls"
    (folder / "sbatch").write_text(SBATCH.format(python=sys.executable, refuses=refuses))
    (folder / "scontrol").write_text(SCONTROL.format(size=size, calls=calls))
    for tool in folder.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return calls


pytestmark = pytest.mark.skipif(os.name != "posix", reason="SLURM")


def test_arrays_and_the_job_behind_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = install(tmp_path / "slurm", monkeypatch, size=4)
    out, scripts = tmp_path / "a folder", tmp_path / "a folder.slurm"
    asked = [*BEGIN, "-o", str(out), "--sbatch=--gpus=1", "--sbatch=--partition=long"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"arrays": ["101", "102"], "merge": "103", "num_tasks": 6}
    every = "--parsable --gpus=1 --partition=long"
    assert calls.read_text().splitlines() == [
        f"{every} --array=0-3 {scripts}/task.sh 0",
        f"{every} --array=0-1 {scripts}/task.sh 4",
        f"{every} --dependency=afterany:101:102 {scripts}/merge.sh",
    ]
    # Again, when some of it is there: what is left, and no more.
    assert main(["pairs", "--out", str(out), "--shards", "0,2-4"]) == 0
    calls.unlink()
    assert main(asked) == 0
    assert [line.split("--array=")[-1][:5] for line in calls.read_text().splitlines()[:2]] == [
        "1 " + str(scripts)[:3],
        "1 " + str(scripts)[:3],
    ]
    assert "2 tasks in 101 102, then 103 to finish the folder" in capsys.readouterr().err


def test_the_scripts_fill_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one task is told that its time is up, and goes back into the queue."""
    calls = install(tmp_path / "slurm", monkeypatch)
    out, scripts = tmp_path / "it's", tmp_path / "it's.slurm"
    assert main([*BEGIN, "-n", "160", "-o", str(out), "--tasks", "2"]) == 0

    def start(task: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": task}
        return subprocess.Popen(["bash", str(scripts / "task.sh"), "0"], env=env)

    calls.unlink()
    first = start("0")
    while not list(out.glob("pairs-*.json")) and first.poll() is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGUSR1)
    first.wait(60)
    assert c2l.pairs.pairs_status(out).num_shards_done >= 1
    assert calls.read_text() == "requeue 7_0\n"
    # What the task does when its turn comes again.
    assert main(["pairs", "--out", str(out), "--rank", "0", "--world", "2"]) == 0
    merge = ["bash", str(scripts / "merge.sh")]
    behind = subprocess.run(merge, capture_output=True, text=True)
    assert behind.returncode == 1 and "holds 80 of 160 pairs" in behind.stderr
    assert "1,3,5,7,9,11" in behind.stdout
    assert main(["pairs", "--out", str(out)]) == 0
    assert len(c2l.load_pairs(out)) == 160


@pytest.mark.parametrize(
    ("ranks", "arrays"),
    [
        (range(2500), [(0, "0-1000"), (1001, "0-1000"), (2002, "0-497")]),
        ([5, 1001, 1003], [(0, "5"), (1001, "0,2")]),
        ([], []),
    ],
)
def test_more_tasks_than_an_array_has_places(
    ranks: list[int], arrays: list[tuple[int, str]]
) -> None:
    assert list(arrays_of(list(ranks), 1001)) == arrays


def test_what_slurm_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path / "slurm", monkeypatch, size=4, refuses=2)
    assert main([*BEGIN, "-o", str(tmp_path / "p")]) == ExitCode.FAILED
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: sbatch refuses: sbatch: error: invalid partition. Check what --sbatch gives it. "
        "To take back what it took before: scancel 101"
    )


def test_without_slurm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([*BEGIN, "-o", str(tmp_path / "p")]) == ExitCode.MISSING_DEPENDENCY
    assert "there is no sbatch here" in capsys.readouterr().err
    assert main([*BEGIN, "-o", str(tmp_path / "p"), "--dry-run"]) == 0
    assert "task.sh" in capsys.readouterr().err
    assert main([*BEGIN, "-o", str(tmp_path / "p"), "--tasks", "0"]) == ExitCode.USAGE
