"""Whether fixed bridges are better than the chosen one, or were lucky: on prompts of their own.

    python benchmarks/other_prompts.py --work DIR --world faces-gan-fixed

DIR is that of ``resistance.py``, and holds that world's ``flow, auto``. Some minutes of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean

import torch
from resistance import AUTO, NUM_PROMPTS, PROMPT_SEED, TRIED, Bench, difference, tried
from worlds import WORLDS, World, open_world
from worlds.measure import Ruler

import c2l

OTHER_SEED = 11
NUM_IMAGES = 4


def other_questions(world: World, num: int) -> list[c2l.Question]:
    """Prompts that the table does not hold; few or none where a judge has only a list."""
    known = {q.prompt for q in world.judge.questions(NUM_PROMPTS, PROMPT_SEED)}
    return [q for q in world.judge.questions(num, OTHER_SEED) if q.prompt not in known]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="that of resistance.py")
    parser.add_argument("--world", choices=WORLDS, required=True)
    parser.add_argument("--prompts", type=int, default=180, help="as many, and no more")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bench, world = Bench(options.world, options.work), open_world(options.world, options.work)
    chosen = bench.measured()[AUTO].chosen
    asked = other_questions(world, options.prompts)
    if len(asked) < 2:
        parser.error(f"the judge of {options.world} has no other prompts")
    found = dict(tried(bench, world, Ruler(world, asked), {}, NUM_IMAGES))
    ours = found[TRIED + chosen]
    print(f"## {options.world}, on {len(asked)} other prompts, {NUM_IMAGES} pictures of each\n")
    print(f"Chosen: {chosen}.\n")
    print(
        "| bridge | named, % | diversity, % | the chosen one minus it |\n| --- | --- | --- | --- |"
    )
    for label, cell in sorted(found.items(), key=lambda item: -fmean(item[1].accuracy)):
        shown = [f"{100 * fmean(cell.accuracy):.1f}", f"{100 * fmean(cell.diversity):.0f}"]
        apart = difference(ours.accuracy, cell.accuracy)
        print(f"| {label.removeprefix(TRIED)} | {' | '.join(shown)} | {apart} |")


if __name__ == "__main__":
    main()
