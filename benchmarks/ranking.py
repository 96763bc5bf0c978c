"""How well the choice of ``flow, auto`` ranks bridges: by what it saw, against what they draw.

    python benchmarks/ranking.py --work DIR > benchmarks/ranking.md

DIR is that of ``resistance.py``, whose tables rest on 60 prompts: too few to rank bridges that are
nearly as good. Here 180 others are asked besides, where a world has as many. DIR keeps what was
measured; half an hour of one core in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean

import torch
from resistance import (
    AUTO,
    NUM_IMAGES,
    NUM_PROMPTS,
    PROMPT_SEED,
    TRIED,
    Bench,
    Cell,
    difference,
    mean,
    tried,
)
from worlds import WORLDS, World, open_world
from worlds.measure import Ruler
from worlds.options import world_parser
from worlds.ranking import SPLITS, Tries, minus_best, of_criterion, of_halves

import c2l

OTHER_SEED = 11
NUM_OTHERS = 180
NUM_OTHER_IMAGES = 4


def other_questions(world: World, num: int) -> list[c2l.Question]:
    """Prompts that the table does not hold; few or none where a judge has only a list."""
    known = {q.prompt for q in world.judge.questions(NUM_PROMPTS, PROMPT_SEED)}
    return [q for q in world.judge.questions(num, OTHER_SEED) if q.prompt not in known]


def bridges_of(bench: Bench) -> dict[str, Cell]:
    """What was tried in a world, measured on the table's prompts and on all others."""
    cells = bench.measured()
    if AUTO not in cells:
        return {}
    world = open_world(bench.name, bench.work)
    asked = other_questions(world, NUM_OTHERS)
    others = replace(bench, cells="others")
    found = {}
    ruler, there = Ruler(world, asked), others.measured()
    for label, cell in tried(bench, world, ruler, there, NUM_OTHER_IMAGES) if asked else ():
        others.keep(label, cell)
        known = cells[label]
        found[label] = replace(known, accuracy=[*known.accuracy, *cell.accuracy])
    return found or {label: cell for label, cell in cells.items() if label.startswith(TRIED)}


def table(name: str, bridges: Mapping[str, Cell], chosen: str) -> None:
    """Print the bridges of a world, the best first."""
    ours = bridges[TRIED + chosen]
    print(f"\n## {name}, {len(ours.accuracy)} prompts\n")
    print(
        "| bridge | counts as not fitting, % | named, % | diversity, % | the chosen one minus it |"
    )
    print("| --- | --- | --- | --- | --- |")
    for label, cell in sorted(bridges.items(), key=lambda item: -fmean(item[1].accuracy)):
        values = (cell.doubted, fmean(cell.accuracy))
        shown = [f"{100 * value:.1f}" for value in values]
        shown.append(f"{100 * fmean(cell.diversity):.0f}")
        name = label.removeprefix(TRIED)
        bold = f"**{name}**" if name == chosen else name
        print(f"| {bold} | {' | '.join(shown)} | {difference(ours.accuracy, cell.accuracy)} |")


def tries_of(bridges: Mapping[str, Cell]) -> Tries:
    """As the choice counts them."""
    fit = torch.tensor([-cell.doubted for cell in bridges.values()]).double()
    accuracy = torch.tensor([cell.accuracy for cell in bridges.values()]).double()
    return Tries(fit, accuracy)


def verdict(worlds: Mapping[str, Mapping[str, Cell]], chosen: Mapping[str, str]) -> None:
    """Print how well they are ranked, and what is lost by the chosen ones."""
    heads = (
        "world",
        "bridges",
        "rank correlation",
        "the chosen one minus the best",
        "minus the best of other prompts",
    )
    print(f"\n## All of them\n\n| {' | '.join(heads)} |\n{'| --- ' * len(heads)}|")
    all_ = []
    for name, bridges in worlds.items():
        ours = bridges[TRIED + chosen[name]].accuracy
        best = max(bridges.values(), key=lambda cell: fmean(cell.accuracy))
        tries = tries_of(bridges)
        all_.append(tries)
        row = [
            f"{len(bridges)}",
            f"{of_criterion([tries]):.2f}",
            difference(ours, best.accuracy),
            mean(minus_best(ours, [cell.accuracy for cell in bridges.values()])),
        ]
        print(f"| {name} | {' | '.join(row)} |")
    halves, most = of_halves(all_)
    print(f"| **all** | {sum(len(t.fit) for t in all_)} | **{of_criterion(all_):.2f}** | | |")
    print("\n*Minus the best of other prompts*: the bridge that is best for half of the prompts is")
    print("compared on the other half, since the best of ten that are equally good is so by luck.")
    print(f"On half of the prompts the rank correlation is {halves:.2f} in all, where accuracy on")
    print(f"the other half has {most:.2f}: so well do other prompts rank whose truth is known. All")
    print(f"halves are the mean of {SPLITS}.")


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# How well the choice ranks bridges\n")
    print("Made by `python benchmarks/ranking.py --work DIR`. Bridges are those that `flow, auto`")
    print("tried, all of a world on one network. What counts as not fitting is the share that the")
    print("choice saw, with its doubt about stored latents. What they name is measured on the")
    print(f"prompts of [the table](resistance.md), {NUM_IMAGES} pictures of each, and on others,")
    print(f"{NUM_OTHER_IMAGES} of each. The rank correlation over all worlds is that of distances")
    print("from the best of each: some worlds are harder than others.")
    worlds, chosen = {}, {}
    for name in options.world or WORLDS:
        bench = Bench(name, options.work)
        if bridges := bridges_of(bench):
            worlds[name], chosen[name] = bridges, bench.measured()[AUTO].chosen
            table(name, bridges, chosen[name])
    if worlds:
        verdict(worlds, chosen)


if __name__ == "__main__":
    main()
