"""What one call of ``onestep`` keeps of the flow that it learnt from: one table for all worlds.

    python benchmarks/onestep.py --work DIR > benchmarks/onestep.md

Both rows are those of ``resistance.py``, measured unless DIR holds them: from the same pairs,
seeds and steps ``onestep`` learns the same flow.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import torch
from resistance import AUTO, NUM_IMAGES, NUM_PROMPTS, ONESTEP, Bench, difference, percent
from worlds import WORLDS
from worlds.options import world_parser

HEADS = (
    "world",
    "flow, named, %",
    "one call, named, %",
    "one call minus flow",
    "flow, diversity, %",
    "one call, diversity, %",
    "of the flow's, %",
    "bridge",
)


def line(name: str, work: Path) -> str:
    """One row of the table."""
    bench = Bench(name, work)
    bench.measure([AUTO, ONESTEP])
    flow, one = (bench.measured()[row] for row in (AUTO, ONESTEP))
    varied, ours = fmean(flow.diversity), fmean(one.diversity)
    found = (
        name,
        percent(flow.accuracy),
        percent(one.accuracy),
        difference(one.accuracy, flow.accuracy),
        f"{100 * varied:.1f}",
        f"{100 * ours:.1f}",
        f"{100 * ours / varied:.0f}",
        "the same" if one.chosen == flow.chosen else one.chosen,
    )
    return f"| {' | '.join(found)} |"


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# One call for a walk\n\nMade by `python benchmarks/onestep.py --work DIR`.\n")
    print(f"{NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of each, as in")
    print("[resistance](resistance.md), whose rows these are: both hold the same flow.")
    print(f"\n| {' | '.join(HEADS)} |\n{'| --- ' * len(HEADS)}|")
    for name in options.world or WORLDS:
        print(line(name, options.work), flush=True)


if __name__ == "__main__":
    main()
