"""Trainings of several processes, disturbed: how many end, and whether their files are the same.

    python benchmarks/elastic.py
    python benchmarks/elastic.py --kinds

Every run trains one prior on the same pairs. One kills a random rank at a random step; one is begun
by two agents of torchrun, of which the second leaves for good. The file has to be that of a single
process, byte for byte. ``--kinds`` disturbs nobody: it trains every kind by 1, 2 and 4 processes,
and one of them by three that are fast.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import c2l
from c2l.testing import ToyEmbedder, ToyGenerator

STEPS = 160
BATCH = ["--batch-size", "32", "--device", "cpu"]
SMALL = ["--set", "hidden=32", "--set", "num_blocks=1"]
TRAIN = [*BATCH, "--steps", str(STEPS), *SMALL, "--prior", "onestep"]
KINDS = {
    "mlp": SMALL,
    "flow": SMALL,
    "diffusion": ["--set", "width=32", "--set", "depth=2", "--set", "heads=2"],
}
C2L = [sys.executable, "-m", "c2l"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]


def train(folder: Path, out: Path) -> list[str]:
    return ["train", "--pairs", str(folder), "--out", str(out), *TRAIN]


def by_kinds(folder: Path, scratch: Path) -> None:
    """Every kind by several processes, none of them disturbed."""
    for kind, settings in KINDS.items():
        for num in (1, 2, 4):
            out = scratch / f"{kind}-{num}.safetensors"
            command = [*C2L, "train", "--pairs", str(folder), "--out", str(out), *BATCH, *settings]
            command += ["--prior", kind, "--steps", "60", "--processes", str(num)]
            process = start(command, out.with_suffix(".said"))
            assert process.wait() == 0, out.with_suffix(".said").read_text()
            digest = hashlib.sha256(out.read_bytes()).hexdigest()[:12]
            print(f"{kind}, {num} processes: {digest}", flush=True)
    for num, fast in ((1, []), (3, ["--fast"])):
        out = scratch / f"fast-{num}.safetensors"
        command = [*C2L, "train", "--pairs", str(folder), "--out", str(out), "--device", "cpu"]
        command += ["--prior", "flow", *SMALL, "--steps", "160", "--batch-size", "48"]
        process = start([*command, "--processes", str(num), *fast], out.with_suffix(".said"))
        assert process.wait() == 0, out.with_suffix(".said").read_text()
        rows = map(json.loads, out.with_suffix(".log.jsonl").read_text().splitlines())
        losses = [row["held_out_loss"] for row in rows if "held_out_loss" in row]
        print(f"flow, {num} processes{' --fast' if fast else ''}: {losses[-1]:.3f}", flush=True)


def start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)


def ranks_of(out: Path) -> list[int]:
    """Processes that train to a file; launchers and agents are not among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        # Of a launcher, the file with the run is named; of torchrun, the flags.
        mine = str(out).encode() in command or _run_file_names(command, out)
        if mine and any(name.startswith(b"LOCAL_RANK=") for name in environment):
            found.append(int(entry.name))
    return found


def _run_file_names(command: bytes, out: Path) -> bool:
    files = [Path(os.fsdecode(word)) for word in command.split(b"\0") if word.endswith(b".toml")]
    try:
        return any(str(out) in file.read_text() for file in files)
    except OSError:
        return False


def wait_for_step(out: Path, step: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether it came to a step before it ended."""
    log = out.with_suffix(".log.jsonl")
    while process.poll() is None:
        try:
            rows = [json.loads(line) for line in log.read_text().splitlines()]
        except (OSError, ValueError):
            rows = []
        if any(row.get("step", -1) >= step for row in rows):
            return True
        time.sleep(0.1)
    return False


def killed_rank(command: Sequence[str], out: Path, rng: random.Random) -> int | None:
    """Run a command, kill one of its ranks on the way; its exit code, None if none was killed."""
    process = start(command, out.with_suffix(".said"))
    if not wait_for_step(out, rng.randrange(0, STEPS - 60, 20), process):
        return None
    ranks = ranks_of(out)
    if not ranks:
        return None
    os.kill(rng.choice(ranks), signal.SIGKILL)
    return process.wait()


def agent_that_leaves(arguments: Sequence[str], out: Path) -> int | None:
    """Two agents with a process each; the second is killed with all it has started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*TORCHRUN, "--nnodes", "1:2", "--nproc-per-node", "1", "--max-restarts", "100",
               "--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{port}", "--rdzv-id", "c2l",
               "-m", "c2l", *arguments]  # fmt: skip
    first = start(command, out.with_suffix(".said"))
    time.sleep(1)
    second = start(command, out.with_suffix(".said2"))
    if not wait_for_step(out, 40, first):
        return None
    there = [second.pid, *(p for p in ranks_of(out) if parent_of(p) == second.pid)]
    for process in there:
        os.kill(process, signal.SIGKILL)
    second.wait()
    if len(there) < 2:
        return None
    return first.wait()


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=9, help="of each launcher")
    parser.add_argument("--leaves", type=int, default=2)
    parser.add_argument("--kinds", action="store_true")
    options = parser.parse_args()
    rng = random.Random(0)
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pairs"
        c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 600, folder)
        if options.kinds:
            by_kinds(folder, Path(scratch))
            return
        digests: dict[str, str] = {}
        seconds: dict[str, float] = {}

        def undisturbed(num: int) -> None:
            out = Path(scratch) / f"{num}.safetensors"
            began = time.monotonic()
            process = start(
                [*C2L, *train(folder, out), "--processes", str(num)], out.with_suffix(".said")
            )
            assert process.wait() == 0, out.with_suffix(".said").read_text()
            seconds[str(num)] = time.monotonic() - began
            digests[str(num)] = hashlib.sha256(out.read_bytes()).hexdigest()[:12]

        for num in (1, 2, 4):
            undisturbed(num)
            print(f"{num} processes: {digests[str(num)]}, {seconds[str(num)]:.0f} s", flush=True)
        wanted = digests["1"]
        runs = [
            ("c2l train --processes 2", options.kills),
            ("torchrun --nproc-per-node 2", options.kills),
            ("two agents, one leaves", options.leaves),
        ]
        for name, num_runs in runs:
            ended = same = 0
            for index in range(num_runs):
                out = Path(scratch) / f"{name.partition(' ')[0]}-{index}.safetensors"
                arguments = train(folder, out)
                if name.startswith("c2l"):
                    code = killed_rank([*C2L, *arguments, "--processes", "2"], out, rng)
                elif name.startswith("torchrun"):
                    code = killed_rank(
                        [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "--max-restarts", "3",
                         "-m", "c2l", *arguments], out, rng)  # fmt: skip
                else:
                    code = agent_that_leaves(arguments, out)
                ended += code == 0
                right = out.exists() and hashlib.sha256(out.read_bytes()).hexdigest()[:12] == wanted
                same += right
                if not right:
                    print(
                        f"{name}, run {index}: {code}", out.with_suffix(".said").read_text()[-3000:]
                    )
            print(f"{name}: {num_runs} runs, {ended} ended, {same} with the same file", flush=True)


if __name__ == "__main__":
    main()
