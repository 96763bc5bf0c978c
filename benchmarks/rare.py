"""Prompts for what is rare: things never seen together, many things, words that no list holds.

    python benchmarks/rare.py --work DIR > benchmarks/rare.md

DIR is that of ``resistance.py``, whose pairs and priors it takes. For what is never seen together,
pairs are made anew without any picture in which the judge sees two such things at once.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import resistance
import torch
from resistance import AUTO, PICKED, Bench, Cell, cell_of
from torch import Tensor
from worlds import World, open_world
from worlds.measure import Ruler, render
from worlds.options import world_parser

from c2l import Question
from c2l_demo.worlds import FACES, is_held_out

WORLDS = ("faces-gan-fixed", "faces")
ROWS = (PICKED, "random", "neighbours", "2022 recipe, 4 steps", AUTO)
NUM_PROMPTS = 60
SEED = 11
NEVER: Sequence[Mapping[str, str]] = (
    {"hair_style": "bald", "age": "child"},
    {"ear_rings": "yes", "facial_hair": "beard"},
    {"hat": "straw hat", "place": "snow mountains"},
    {"glasses": "sunglasses", "expression": "sad"},
    {"hair_colour": "red", "skin": "dark"},
)
"""Two things each that no picture of the pairs shows together."""
MANY = 5
OF_MANY = 8
"""So many times as many questions hold enough of a kind."""
NEXT_TRY = 2**40
"""From a seed to the one that is drawn in its place."""


def never_together(world: World) -> list[Question]:
    """Prompts that name both things of one of ``NEVER``, as many of each."""
    found: dict[str, Question] = {}
    rng = np.random.default_rng(SEED)
    while len(found) < NUM_PROMPTS:
        both = indices(NEVER[len(found) % len(NEVER)])
        scene = FACES.sample(rng)
        scene = dataclasses.replace(scene, attributes={**scene.attributes, **both})
        prompt, named = FACES.caption(scene, rng)
        if is_held_out(prompt) and both.items() <= named.items():
            found.setdefault(prompt, Question(prompt, named))
    return list(found.values())


def many_things(world: World) -> list[Question]:
    """Prompts that name ``MANY`` things and more."""
    asked = world.judge.questions(OF_MANY * NUM_PROMPTS, SEED)
    return [q for q in asked if len(q.named) >= MANY][:NUM_PROMPTS]


def other_words(world: World) -> list[Question]:
    """Prompts with a word that no prompt of the domain has."""
    known = {word for prompt in world.domain for word in _words(prompt)}
    asked = world.judge.questions(OF_MANY * NUM_PROMPTS, SEED)
    return [q for q in asked if not known.issuperset(_words(q.prompt))][:NUM_PROMPTS]


SETS: Mapping[str, Callable[[World], list[Question]]] = {
    "never together": never_together,
    "five things and more": many_things,
    "words that the list lacks": other_words,
}


def without(world: World, excluded: Sequence[Mapping[str, int]]) -> World:
    """The world, whose generator never draws at random what is excluded.

    A seed whose picture shows it is drawn again from another one.
    """
    draw = world.generator.sample_latents

    def redraw(seeds: Sequence[int]) -> Tensor:
        latents = draw(seeds)
        rows, tries = list(range(len(seeds))), 0
        while wrong := shown(world, latents[rows], excluded).nonzero()[:, 0].tolist():
            rows, tries = [rows[place] for place in wrong], tries + 1
            latents[rows] = draw([seeds[row] + tries * NEXT_TRY for row in rows])
        return latents

    world.generator.sample_latents = redraw  # type: ignore[method-assign]
    return world


def shown(world: World, latents: Tensor, some: Sequence[Mapping[str, int]]) -> Tensor:
    """Whether the picture of each latent shows all of one of ``some``."""
    seen = world.judge(render(world, latents))
    each = [torch.stack([seen[k] == v for k, v in both.items()]).all(0) for both in some]
    return torch.stack(each).any(0)


def measured(name: str, label: str, rows: Sequence[str], work: Path) -> dict[str, Cell]:
    """What rows draw for one set of prompts; kept in ``work``."""
    apart = label == "never together"
    bench = Bench(f"{name}-apart" if apart else name, work)
    file = bench.folder / f"rare-{label.replace(' ', '-')}.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    missing = [row for row in rows if row not in found]
    if missing:
        world = open_world(name, work)
        ruler = Ruler(world, SETS[label](world))
        if apart:
            world = without(world, [indices(both) for both in NEVER])
        for row in missing:
            print(f"{name}, {label}: {row}", file=sys.stderr, flush=True)
            # What the generator can draw is looked for among all that it draws.
            cell = cell_of(Bench(name, work) if row == PICKED else bench, world, ruler, row)
            assert cell is not None
            found[row] = vars(cell)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(found), encoding="utf-8")
    return {row: Cell(**found[row]) for row in rows}


def indices(named: Mapping[str, str]) -> dict[str, int]:
    """The numbers of values, as questions name them."""
    values = {a.name: a.values for a in FACES.attributes}
    return {name: values[name].index(value) for name, value in named.items()}


def _thing(name: str, value: str) -> str:
    """Ear rings, red hair, a beard."""
    if value == "yes":
        return name.replace("_", " ")
    return f"{value} {name.partition('_')[0]}" if name in {"hair_colour", "skin"} else value


def _words(prompt: str) -> set[str]:
    return set(prompt.lower().replace(",", " ").split())


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    parser.add_argument("--set", choices=SETS, action="append", help="only these prompts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# What is rare\n\nMade by `python benchmarks/rare.py --work DIR`.\n")
    print(f"{NUM_PROMPTS} prompts of each kind, {resistance.NUM_IMAGES} pictures of each.")
    together = (" and ".join(_thing(*one) for one in both.items()) for both in NEVER)
    print(f"*Never together*: {'; '.join(together)}.\n")
    print("| world | prompts | latents from | named, % | best of 16, % | diversity, % |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in options.world or WORLDS:
        for label in options.set or SETS:
            for row, cell in measured(name, label, ROWS, options.work).items():
                print(f"| {name} | {label} | {row} | {' | '.join(resistance.scores(cell))} |")


if __name__ == "__main__":
    main()
