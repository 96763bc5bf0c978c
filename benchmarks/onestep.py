"""What one call of ``onestep`` keeps of the flow that it was distilled from: one table per world.

    python benchmarks/onestep.py --work DIR > benchmarks/onestep.md

Its file holds the flow too, which is what more than two steps draw with, so all rows share weights,
bridge and seeds. DIR is that of ``resistance.py``, whose pairs and priors it takes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from resistance import NUM_IMAGES, NUM_PAIRS, NUM_PROMPTS, PROMPT_SEED, STEPS, Bench, trained
from worlds import WORLDS, World, open_world
from worlds.measure import Ruler
from worlds.options import world_parser

import c2l
from c2l_priors.flow import FlowPrior

FLOW = {name: FlowPrior.Settings.model_fields[name].default for name in ("steps", "guidance")}
ROWS: Mapping[str, Mapping[str, Any]] = {
    f"flow, {FLOW['steps']} steps": FLOW,
    "one call": {"steps": 1},
    "two calls": {"steps": 2},
}
TIMED = 256


def milliseconds(world: World, prior: c2l.Prior, how: Mapping[str, Any]) -> float:
    """Of the prior alone for one latent, the best of three batches."""
    asked = world.embedder.embed_text([world.domain[0]]).float().expand(TIMED, -1)
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        prior.sample(asked, seeds=range(TIMED), **how)
        spent.append(time.perf_counter() - start)
    return 1000 * min(spent) / TIMED


def table(name: str, work: Path) -> None:
    """Train, measure and print one world."""
    world = open_world(name, work)
    ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED))
    asked = ruler.texts.repeat_interleave(NUM_IMAGES, dim=0)
    prior = trained(Bench(name, work), world, "onestep, auto")
    assert prior.card is not None
    chosen = ", ".join(f"{name} {value}" for name, value in prior.card.chosen.items())
    print(f"\n## {name}\n\n{chosen}\n")
    print("| latents from | named attributes, % | diversity, % | ms |\n| --- | --- | --- | --- |")
    for label, how in ROWS.items():
        latents = prior.sample(asked, seeds=range(len(asked)), **how)
        found = ruler.measure(ruler.render(latents))
        error = 100 * stdev(found.accuracy) / len(found.accuracy) ** 0.5
        accuracy = f"{100 * fmean(found.accuracy):.1f} ± {error:.1f}"
        varied, spent = f"{100 * fmean(found.diversity):.0f}", milliseconds(world, prior, how)
        print(f"| {label} | {accuracy} | {varied} | {spent:.2f} |", flush=True)


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# One call for a walk\n\nMade by `python benchmarks/onestep.py --work DIR`.\n")
    print(f"{NUM_PAIRS:,} pairs, {STEPS:,} steps; {NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of")
    print("each. Diversity is that of pixels, as a part of random pictures; ± one standard error.")
    for name in options.world or WORLDS:
        table(name, options.work)


if __name__ == "__main__":
    main()
