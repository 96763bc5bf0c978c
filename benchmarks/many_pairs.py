"""Training on more pairs than fit in memory: how long a step takes, how much memory it needs.

The pairs cost nothing: a few shards of random numbers, under many names. Each size is trained on in
a process of its own, with the same network and the same steps; windows go by as in a run of days.

    python benchmarks/many_pairs.py 100000 20000000
    python benchmarks/many_pairs.py --shard-size 256 --shards 400000 --steps 1
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import torch

import c2l
from c2l.pairs import PairsManifest, ShardRecord
from c2l.pairs.shard_list import ShardList
from c2l.pairs.shards import write_shard
from c2l.prior_file import PartCard
from c2l.training import TrainingProgress, train_prior

WIDTH = 512
DISTINCT = 20
MOST_LINKS = 30_000
"""Of one file: file systems allow 32,000 or 65,000."""
SETTINGS = {"hidden": 256, "num_blocks": 4}
FIRST = 200
"""Steps before this one are not measured."""
STEPS = FIRST + 1024
"""As many as take three windows."""


def make_folder(folder: Path, num: int, shard_size: int) -> None:
    """A folder of ``num`` pairs of random numbers, on the disk of a few shards."""
    part = PartCard("nothing:none", "0" * 64)
    manifest = PairsManifest(
        generator=part,
        embedder=part,
        repeats=(18,),
        num_codes=1,
        latent_width=WIDTH,
        embedding_width=WIDTH,
        num=num,
        first_seed=0,
        shard_size=shard_size,
        batch_size=64,
        versions={},
    )
    folder.mkdir(parents=True)
    records: list[ShardRecord] = []
    sources: list[ShardRecord] = []
    rng = torch.Generator().manual_seed(0)
    for index in range(manifest.num_shards):
        name, length = f"pairs-{index:05d}.safetensors", manifest.shard_length(index)
        kept = index % DISTINCT + DISTINCT * (index // (DISTINCT * MOST_LINKS))
        if kept == len(sources) or length < shard_size:
            record = write_shard(
                folder / name,
                manifest,
                manifest.shard_seeds(index),
                torch.randn(length, 1, WIDTH, generator=rng),
                torch.randn(length, WIDTH, generator=rng).half(),
                "none",
            )
            sources.append(record)
        else:
            os.link(folder / sources[kept].file, folder / name)
            record = dataclasses.replace(sources[kept], file=name)
        records.append(record)
    dataclasses.replace(manifest, shards=ShardList(records)).write(folder)


def train(folder: Path, steps: int) -> None:
    """Train, and print what it took."""
    torch.set_num_threads(1)
    start = time.monotonic()
    first_step = 0.0
    measured: list[tuple[float, float]] = []
    memory: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            memory.append(resident())

    def report(state: TrainingProgress) -> None:
        nonlocal first_step
        if state.step:
            first_step = first_step or time.monotonic() - start
        if state.step == steps or (state.step >= FIRST and not measured):
            measured.append((time.monotonic(), time.process_time()))
        if state.step == steps:
            ended.set()

    threading.Thread(target=watch, daemon=True).start()
    pairs = c2l.load_pairs(folder)
    train_prior(
        "flow",
        pairs,
        folder.parent / "prior.safetensors",
        settings=SETTINGS,
        steps=steps,
        batch_size=256,
        student=False,
        device="cpu",
        patience=100,
        on_progress=report,
    )
    (wall0, cpu0), (wall1, cpu1) = measured[0], measured[-1]
    num_measured = max(1, steps - FIRST)
    half = len(memory) // 2
    print(
        json.dumps(
            {
                "num": len(pairs),
                "shards": pairs.manifest.num_shards,
                "first_step_s": round(first_step, 1),
                "ms_per_step": round(1e3 * (wall1 - wall0) / num_measured, 2),
                "cpu_ms_per_step": round(1e3 * (cpu1 - cpu0) / num_measured, 2),
                "peak_mb": max(memory) // 2**20,
                "first_half_mb": max(memory[:half]) // 2**20,
                "second_half_mb": max(memory[half:]) // 2**20,
            }
        )
    )


def resident() -> int:
    """Bytes of this process in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("num", nargs="*", type=int)
    parser.add_argument("--shard-size", type=int, default=1024)
    parser.add_argument("--shards", type=int, help="a folder of so many")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.folder:
        train(options.folder, options.steps)
        return
    nums = [*options.num, *([options.shards * options.shard_size] if options.shards else [])]
    for num in nums:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "pairs"
            make_folder(folder, num, options.shard_size)
            steps = ["--steps", str(options.steps)]
            command = [sys.executable, __file__, "--folder", str(folder), *steps]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
