"""Many pictures on all cores: pictures per second of StyleGAN2, beside NVIDIA's own code.

    python benchmarks/batches.py --official ~/stylegan3
    python benchmarks/batches.py --official ~/stylegan3 --sizes 128 256 --num 16

Random weights, stored noise; ``--official`` is that of ``stylegan_cpu.py``. c2l gets all pictures
in one call; the official code gets them in batches of four, which is faster than one by one and
than all at once. Both draw in turns in one process; the fastest of two turns counts, after a
warm-up of four pictures. Memory is the process's peak after the warm-up and after everything c2l
drew, in a process without the official code: pictures themselves take 12 bytes a pixel.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stylegan_cpu

if TYPE_CHECKING:
    from torch import Tensor

NUM = {128: 64, 256: 64, 512: 32, 1024: 16}
"""How many pictures of each size: 64, or what takes both codes half a minute."""
OFFICIAL_BATCH = 4


def drawer(name: str, size: int, official: Path) -> Callable[[Tensor], Tensor]:
    """What draws latents with ``c2l`` or the ``official`` code."""
    import torch

    torch.manual_seed(0)
    stylegan_cpu.NETWORKS[f"sg2-{size}"] = ("networks_stylegan2", {"img_resolution": size})
    if name == "c2l":
        ours: Any = stylegan_cpu._c2l(f"sg2-{size}")
        synthesize: Callable[[Tensor], Tensor] = ours.synthesize
        return synthesize
    theirs: Any = stylegan_cpu._official(f"sg2-{size}", official)

    def draw(ws: Tensor) -> Tensor:
        parts = ws.split(OFFICIAL_BATCH)
        return torch.cat(
            [theirs.synthesis(part, noise_mode="const", force_fp32=True) for part in parts]
        )

    return draw


def child(options: argparse.Namespace) -> dict[str, Any]:
    """Rates of both, or the memory of ours alone."""
    import torch

    torch.set_num_threads(options.threads)
    size, num = options.sizes[0], options.num or NUM[options.sizes[0]]
    names = ["c2l"] if options.child == "memory" else ["official", "c2l"]
    draws = {name: drawer(name, size, options.official) for name in names}
    ws = torch.randn(num, 2 * size.bit_length() - 4, 512)
    with torch.inference_mode():
        for draw in draws.values():
            draw(ws[:OFFICIAL_BATCH])
        warm = stylegan_cpu._peak()
        if options.child == "memory":
            draws["c2l"](ws)
            pictures = num * 3 * size * size * 4 / 1e6
            return {"warm_mb": warm, "peak_mb": stylegan_cpu._peak(), "pictures_mb": pictures}
        best = dict.fromkeys(names, 1e9)
        for _ in range(2):
            for name, draw in draws.items():
                start = time.perf_counter()
                draw(ws)
                best[name] = min(best[name], time.perf_counter() - start)
    return {name: num / seconds for name, seconds in best.items()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--official", type=Path, required=True, help="a checkout of stylegan3")
    parser.add_argument("--sizes", type=int, nargs="+", choices=list(NUM), default=list(NUM))
    parser.add_argument("--num", type=int, help="pictures, in place of 64 and fewer")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--child", choices=["rates", "memory"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options)))
        return
    print(f"{options.threads} threads\n")
    print("| px | pictures | official /s | c2l /s | times | MB warm | after | of it pictures |")
    print("| --- " * 8 + "|")
    rows = []
    for size in options.sizes:
        row: dict[str, Any] = {"size": size, "num": options.num or NUM[size]}
        for part in ("rates", "memory"):
            command = [sys.executable, __file__, "--child", part, "--sizes", str(size)]
            command += ["--official", str(options.official), "--threads", str(options.threads)]
            command += ["--num", str(row["num"])]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            row |= json.loads(done.stdout.splitlines()[-1])
        row["ratio"] = row["c2l"] / row["official"]
        rows.append(row)
        print(
            f"| {size} | {row['num']} | {row['official']:.2f} | {row['c2l']:.2f} "
            f"| **{row['ratio']:.2f}** | {row['warm_mb']} | {row['peak_mb']} "
            f"| {row['pictures_mb']:.0f} |",
            flush=True,
        )
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
