"""What more pairs bring: named attributes and variety against the number of pairs.

    python benchmarks/more_pairs.py --work DIR --world digits-fixed > benchmarks/more_pairs.md

Each prior as ``c2l train`` trains it by default from so many pairs. DIR is that of
``resistance.py``; it keeps what was measured, so that the whole can be made in pieces.
``--measured`` measures nothing, and prints what DIR holds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from resistance import NUM_PROMPTS, PROMPT_SEED, scores
from worlds import WORLDS, World, open_world
from worlds.measure import Measured, Ruler
from worlds.options import world_parser

import c2l

NUMBERS = (1_000, 4_000, 12_000, 48_000, 100_000)
KINDS = ("flow", "onestep", "mlp", "ridge", "neighbours")
NUM_IMAGES = 8


def measured(world: World, ruler: Ruler, folder: Path, num: int, kind: str) -> Measured:
    """What a prior of a kind draws that learnt from so many pairs; kept in a file."""
    file = folder / f"{num}-{kind}.json"
    if not file.exists():
        pairs = c2l.build_pairs(world.generator, world.embedder, num, folder / f"{num}.pairs")
        path = folder / f"{num}-{kind}.safetensors"
        c2l.train_prior(
            kind,
            pairs,
            path,
            generator=world.generator,
            embedder=world.embedder,
            domain=world.domain_file(folder),
            student=False,
        )
        prior = c2l.load_prior(str(path.resolve()))
        found = ruler.measure(ruler.render(ruler.draw(prior, NUM_IMAGES)))
        file.write_text(json.dumps(found.to_dict()), encoding="utf-8")
    return Measured(**json.loads(file.read_text(encoding="utf-8")))


def table(name: str, cells: Mapping[tuple[str, int], Measured]) -> None:
    """Print the curves of a world."""
    numbers = sorted({num for _, num in cells})
    print(f"\n## {name}\n\n| prior | {' | '.join(f'{num:,} pairs' for num in numbers)} |")
    print("| --- " * (len(numbers) + 1) + "|")
    for kind in KINDS:
        row = [_cell(cells.get((kind, num))) for num in numbers]
        print(f"| {kind} | {' | '.join(row)} |")


def _cell(found: Measured | None) -> str:
    if found is None:
        return ""
    accuracy, _, varied = scores(found)
    return f"{accuracy}, {varied}"


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    parser.add_argument("--num", type=int, choices=NUMBERS, action="append")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--measured", action="store_true", help="print what DIR holds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# What more pairs bring\n\nMade by `python benchmarks/more_pairs.py --work DIR`.\n")
    print(f"{NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of each: what they show of what is named")
    print("in %, ± one standard error over prompts; and their diversity in %, that of pixels, as a")
    print("part of random pictures. Steps as by default for so many pairs.")
    for name in options.world or WORLDS:
        folder = options.work / "more_pairs" / name
        if options.measured:
            found = {}
            for file in folder.glob("*-*.json"):
                num, _, kind = file.stem.partition("-")
                found[kind, int(num)] = Measured(**json.loads(file.read_text(encoding="utf-8")))
            if found:
                table(name, found)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        world = open_world(name, options.work)
        ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED))
        cells = {}
        for num in options.num or NUMBERS:
            for kind in options.kind or KINDS:
                print(f"{name}: {kind} of {num:,}", file=sys.stderr, flush=True)
                cells[kind, num] = measured(world, ruler, folder, num, kind)
        table(name, cells)


if __name__ == "__main__":
    main()
