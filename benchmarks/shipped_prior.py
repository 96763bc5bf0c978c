"""The demo's shipped priors beside what the defaults of training make of fewer pairs.

    python benchmarks/shipped_prior.py --work DIR > benchmarks/shipped_prior.md

DIR is that of ``resistance.py``, whose row for ``flow, auto`` is compared prompt by prompt.
"""

from __future__ import annotations

from pathlib import Path

import torch
from resistance import (
    AUTO,
    NUM_IMAGES,
    NUM_PAIRS,
    NUM_PROMPTS,
    PROMPT_SEED,
    Bench,
    difference,
    drawn,
    scores,
)
from worlds import open_world
from worlds.measure import Ruler
from worlds.options import world_parser

import c2l

WORLDS = ("faces", "landscapes")


def table(name: str, work: Path) -> None:
    """Measure and print one world."""
    bench = Bench(name, work)
    bench.measure([AUTO])
    ours = bench.measured()[AUTO]
    world = open_world(name, work)
    ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED))
    shipped = drawn(ruler, c2l.load_prior(f"flow:demo-{name}"))
    print(f"\n## demo-{name}\n")
    print("| latents from | named, % | best of 16, % | diversity, % | CMMD |")
    print("| --- | --- | --- | --- | --- |")
    for label, cell in (("flow (shipped)", shipped), (f"flow, {NUM_PAIRS:,} pairs, auto", ours)):
        print(f"| {label} | {' | '.join(scores(cell))} | {cell.cmmd:.3g} |")
    print(f"\nAuto minus the shipped one: {difference(ours.accuracy, shipped.accuracy)} points of")
    print(f"accuracy, {difference(ours.diversity, shipped.diversity)} of diversity.")


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# The shipped priors\n\nMade by `python benchmarks/shipped_prior.py --work DIR`.\n")
    print(
        f"{NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of each. Diversity is that of pixels, as a"
    )
    print("part of random pictures; ± one standard error.")
    for name in options.world or WORLDS:
        table(name, options.work)


if __name__ == "__main__":
    main()
