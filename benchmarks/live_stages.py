"""From prompt to pixels in a warm process: milliseconds by stage, each beside its limit.

    python benchmarks/live_stages.py --threads 2

The demo at 128 px, one picture of a new prompt each time, as when a page redraws while somebody
types. A stage's limit is the longer of two times: of its multiplications and additions, counted as
torch counts them in the plain way, at the rate of the fastest product that this processor was seen
to compute in the same run; and of reading its weights once, at the rate at which a large tensor is
summed. What is above it is the overhead of some hundred small operations, and features.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from processor import Machine
from torch.utils.flop_counter import FlopCounterMode

import c2l

COLOURS = ("red", "blonde", "brown", "black", "grey", "white", "curly", "long", "short", "wavy")
PROMPTS = [f"a {age} woman with {hair} hair" for age in ("young", "old") for hair in COLOURS]


def stages_of(pipeline: c2l.Pipeline) -> dict[str, Any]:
    """Each stage: its part, and what it makes of what the one before has made."""
    return {
        "text": (pipeline.embedder, lambda prompt: pipeline.embedder.embed_text([prompt])),
        "prior": (pipeline.prior, lambda e: pipeline.prior.sample(e, seeds=[0])),
        "synthesis": (pipeline.generator, lambda w: pipeline.generator.synthesize(w)),
    }


def gigaflops(stages: dict[str, Any]) -> dict[str, float]:
    """Of each stage, by the plain way: the fast ones know how to do with fewer."""
    found, value = {}, PROMPTS[0]
    with torch.enable_grad():
        for name, (_, run) in stages.items():
            with FlopCounterMode(display=False) as counter:
                value = run(value)
            found[name] = counter.get_total_flops() / 1e9
    return found


def megabytes(part: c2l.Generator | c2l.Embedder | c2l.Prior, name: str) -> float:
    """Of the weights that a stage reads."""
    read = part.towers.text_tower if name == "text" else part  # type: ignore[union-attr]
    read = getattr(part, "synthesis", read) if name == "synthesis" else read
    tensors = [*read.parameters(), *read.buffers()]
    return sum(t.numel() * t.element_size() for t in tensors) / 1e6


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="times that all prompts are drawn")
    parser.add_argument("--recipe", default="demo-faces")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pipeline = c2l.load_pipeline(options.recipe, device="cpu", precision=options.precision)
    stages = stages_of(pipeline)
    with torch.inference_mode(False):
        work = gigaflops(stages)
    spent: dict[str, list[float]] = {name: [] for name in (*stages, "all")}
    for turn in range(options.rounds + 1):
        for prompt in PROMPTS:
            value: Any = prompt
            begin = time.perf_counter()
            for name, (_, run) in stages.items():
                start = time.perf_counter()
                value = run(value)
                if turn:
                    spent[name].append((time.perf_counter() - start) * 1000)
            if turn:
                spent["all"].append((time.perf_counter() - begin) * 1000)
    machine = Machine.measure(options.threads)
    print(f"{machine.describe()}\n")
    print("| stage | ms | nine in ten below | GFLOP | MB of weights | limit, ms |")
    print("| --- " * 6 + "|")
    rows = []
    for name, times in spent.items():
        row: dict[str, Any] = {
            "stage": name,
            "ms": statistics.median(times),
            "ms_90": statistics.quantiles(times, n=10)[-1],
        }
        if name == "all":
            row["limit_ms"] = sum(other["limit_ms"] for other in rows)
            cells = "| | "
        else:
            size = megabytes(stages[name][0], name)
            row["limit_ms"] = 1000 * max(
                work[name] / machine.fastest, size / 1000 / machine.gigabytes_read
            )
            cells = f"| {work[name]:.2f} | {size:.1f} "
        rows.append(row)
        print(
            f"| {name} | **{row['ms']:.1f}** | {row['ms_90']:.1f} {cells}| {row['limit_ms']:.1f} |"
        )
    if options.json:
        told = {"machine": machine.to_dict(), "rows": rows, "precision": options.precision}
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
