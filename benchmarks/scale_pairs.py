"""Pairs by every engine, with everybody killed at random, and a folder of 400,000 shards.

    python benchmarks/scale_pairs.py engines     # 200 shards by each engine: equal folders
    python benchmarks/scale_pairs.py kills       # kill -9 at random moments: equal folders
    python benchmarks/scale_pairs.py folder      # 400,000 shards: begin, status and finish
    python benchmarks/scale_pairs.py latents        # ways of storing latents

``engines`` starts SLURM where Debian's is installed (benchmarks/slurm_here.py), and three nodes of
Ray, of which one is killed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slurm_here

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # where much else runs

C2L = [sys.executable, "-m", "c2l", "pairs"]
PARTS = ["-g", "stylegan:demo-faces", "-e", "openclip:demo"]
STORE = 80_000_000
MOST_KILLS = 3
"""In one folder, before it is left alone."""
MARK = f"C2L_BENCHMARK=scale-{os.getpid()}"
"""In the environment of all that is started here."""


def plan(num_shards: int) -> list[str]:
    """Options of a folder of small shards."""
    return [*PARTS, "--num", str(num_shards * 4), "--shard-size", "4", "--batch-size", "4"]


def run(*words: object) -> None:
    """Run ``c2l pairs``."""
    subprocess.run([*C2L, *map(str, words)], check=True, capture_output=True)


def digest(folder: Path) -> str:
    """Of every name and byte."""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


# ------------------------------------------------------------------ engines


def by_local(out: Path, num: int) -> str:
    run(*plan(num), "-o", out, "--workers", 2)
    return "two workers"


def by_shells(out: Path, num: int) -> str:
    shares = [["--rank", str(rank), "--world", "4"] for rank in range(4)]
    command = [*C2L, *plan(num), "-o", str(out)]
    shells = [subprocess.Popen([*command, *share], stderr=subprocess.PIPE) for share in shares]
    for shell in shells:
        if shell.wait():
            raise RuntimeError(shell.stderr and shell.stderr.read().decode())
    return "four processes that begin the folder at once"


def by_slurm(out: Path, num: int) -> str:
    if not slurm_here.can_run():
        return "not run: no slurm-wlm and munge here, or not root"
    with slurm_here.slurm(array_size=3):
        run("submit", *plan(num), "-o", out, "--device", "cpu", "--tasks", 4)
        slurm_here.wait_for_jobs()
    return "two arrays of 3 and 1 tasks, and the job behind them"


def by_ray(out: Path, num: int) -> str:
    """Three nodes; one is killed when some of the shards are there."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=STORE) for _ in range(3)]
    env = {**os.environ, "RAY_ADDRESS": cluster.address}
    command = [*C2L, *plan(num), "-o", str(out), "--engine", "ray", "--device", "cpu"]
    driver = subprocess.Popen(command, env=env, stderr=subprocess.PIPE)
    try:
        while len(list(out.glob("pairs-*.json"))) < num // 10 and driver.poll() is None:
            time.sleep(0.1)
        there = len(list(out.glob("pairs-*.json")))
        cluster.remove_node(nodes[0], allow_graceful=False)
        if driver.wait():
            raise RuntimeError(driver.stderr and driver.stderr.read().decode())
    finally:
        cluster.shutdown()
    return f"three nodes, one of which was killed when {there} shards were there"


def engines(num: int, work: Path, only: list[str]) -> None:
    """The same folder by each engine."""
    print("| by | how | seconds | digest of the folder |\n| --- | --- | --- | --- |")
    ways: dict[str, Callable[[Path, int], str]] = {
        "local": by_local, "rank and world": by_shells, "SLURM": by_slurm, "Ray": by_ray
    }  # fmt: skip
    digests = set()
    for name, draw in ways.items():
        if only and name not in only:
            continue
        out, start = work / name.replace(" ", "-"), time.monotonic()
        how = draw(out, num)
        seconds = time.monotonic() - start
        found = digest(out) if out.is_dir() else "-"
        digests |= {found} - {"-"}
        print(f"| {name} | {how} | {seconds:.0f} | {found} |", flush=True)
    if len(digests) != 1:
        sys.exit("the folders differ")
    print("\nAll folders are equal, byte for byte.")


# ------------------------------------------------------------------ kills


def kills(num: int, times: int, work: Path, seed: int) -> None:
    """Kill somebody at a random moment, again and again, until the folder is whole."""
    rng = random.Random(seed)
    run(*plan(num), "-o", work / "whole")
    wanted, counts = digest(work / "whole"), Counter[str]()
    killed = folders = 0
    while killed < times:
        folders += 1
        out = work / f"folder-{folders}"
        engine = "local" if folders % 2 else "Ray"
        extra = ["--workers", "2"] if engine == "local" else ["--engine", "ray", "--device", "cpu"]
        left = min(rng.randint(1, MOST_KILLS), times - killed)
        while True:
            command = [*C2L, *plan(num), "-o", str(out), *extra]
            driver = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
            while left:
                who = rng.choice(("driver", "worker"))
                pid = _victim(driver, who, out, rng)
                if pid is None:
                    break
                os.kill(pid, signal.SIGKILL)
                left, killed = left - 1, killed + 1
                counts[f"{who} of {engine}"] += 1
                if engine == "local" or who == "driver":
                    break  # which ends the run; an actor is replaced
            if driver.wait() == 0:
                break
            counts["the same command again"] += 1
            _end_session(driver.pid)
        if digest(out) != wanted:
            sys.exit(f"{out} differs")
        print(f"{killed} kills, {folders} folders, all equal: {dict(counts)}", flush=True)


def _victim(driver: Any, who: str, out: Path, rng: random.Random) -> int | None:
    """A process to kill once it draws, at a random moment; None if all is done before."""
    signs = out / ".workers"
    while driver.poll() is None:
        pids = [int(path.stem.rpartition("-")[2]) for path in signs.glob("*-*.json")]
        if pids:
            time.sleep(rng.uniform(0, 1.5))
            alive = [pid for pid in pids if _is_ours(pid)]
            if driver.poll() is not None:
                return None
            if who == "driver":
                return driver.pid
            if alive:
                return rng.choice(alive)
        time.sleep(0.05)
    return None


def _is_ours(pid: int) -> bool:
    """Whether a process is one of this benchmark's: numbers of those that ended are used again."""
    try:
        return MARK.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _end_session(leader: int) -> None:
    """What a killed driver leaves behind of its own, such as the daemons of Ray."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(stat.parent.name), signal.SIGKILL)  # a session of our own
        except (OSError, ValueError):
            continue


# ------------------------------------------------------------------ a large folder


def folder(num: int, work: Path) -> None:
    """Begin, status and finish of a folder of so many records, each in a process of its own."""
    out = work / "large"
    for step in ("begin", "fill", "begin", "status", "finish", "begin", "status"):
        command = [sys.executable, __file__, "step", "--num", str(num), "--work", str(out)]
        subprocess.run([*command, "--step", step], check=True)


def one_step(step: str, num: int, out: Path) -> None:
    """One of the steps, with its time and memory."""
    from c2l.pairs import begin_pairs, finish_pairs, missing_shards, pairs_status
    from c2l.testing import toy_parts

    parts = toy_parts()
    start, cpu = time.monotonic(), time.process_time()
    if step == "begin":
        plan = begin_pairs(parts, num * 256, out, shard_size=256, batch_size=8)
        what = f"{len(missing_shards(plan, out)):,} shards are missing"
    elif step == "fill":
        record = '{"file": "pairs-%05d.safetensors", "made_on": "AVX512, torch 2.14.1", '
        record += '"num": 256, "sha256": "' + "ab" * 32 + '", "size": 0}\n'
        for index in range(num):
            (out / f"pairs-{index:05d}.safetensors").touch()
            (out / f"pairs-{index:05d}.json").write_text(record % index)
        return
    elif step == "status":
        what = f"{pairs_status(out).num_done:,} pairs are there"
    else:
        what = f"{len(finish_pairs(out).shards):,} shards in the list"
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"| {step} | {seconds:.1f} | {cpu:.1f} | {memory:.0f} | {what} |", flush=True)


# ------------------------------------------------------------------ latents


def latents(num: int, work: Path) -> None:
    """Bytes of a pair, the error that the folder names, and how fast latents are drawn again."""
    from c2l.pairs import load_pairs
    from c2l.pairs.redrawing import generator_of, redraw

    print("| latents | bytes of a pair | error | the same bits again |\n| --- | --- | --- | --- |")
    exact = None
    for way in ("float32", "float16", "seeds"):
        out = work / way
        run(*PARTS, "--num", num, "--latents", way, "-o", out)
        size = sum(path.stat().st_size for path in out.glob("*.safetensors"))
        pairs = load_pairs(out)
        exact = pairs.latents if exact is None else exact
        same = "yes" if bool((pairs.latents == exact).all()) else "no"
        error = pairs.manifest.latent_error
        print(f"| {way} | {size / num:.0f} | {error:.1e} | {same} |", flush=True)
    generator, start = generator_of(out, pairs.manifest), time.monotonic()
    rounds = 10
    for index in range(rounds * pairs.manifest.num_shards):
        redraw(generator, pairs.manifest, index % pairs.manifest.num_shards)
    print(f"\n{rounds * num / (time.monotonic() - start):,.0f} latents a second.")


def main() -> None:
    """One of the four."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("engines", "kills", "folder", "latents", "step"))
    parser.add_argument("--num", type=int, help="shards")
    parser.add_argument("--by", action="append", default=[], help="an engine; all by default")
    parser.add_argument("--times", type=int, default=25, help="kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--step")
    asked = parser.parse_args()
    if asked.what == "step":
        one_step(asked.step, asked.num, asked.work)
        return
    os.environ.update([MARK.split("=")])
    with tempfile.TemporaryDirectory(prefix="scale-", dir=asked.work) as name:
        if asked.what == "engines":
            engines(asked.num or 200, Path(name), asked.by)
        elif asked.what == "kills":
            kills(asked.num or 30, asked.times, Path(name), asked.seed)
        elif asked.what == "latents":
            latents(asked.num or 2048, Path(name))
        else:
            print(
                "| step | seconds | of the CPU | MB | |\n| --- | --- | --- | --- | --- |",
                flush=True,
            )
            folder(asked.num or 400_000, Path(name))


if __name__ == "__main__":
    main()
