"""What ``c2l train`` chooses by itself on worlds that nothing was settled on.

    python benchmarks/held_out.py --work DIR > benchmarks/held_out.md

DIR keeps worlds, pairs, priors and all that was measured from run to run. Some fifteen minutes of
one core for each world.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from resistance import AUTO, NUM_IMAGES, NUM_PAIRS, NUM_PROMPTS, PICKED, Cell, drawn, scores
from worlds import HELD_OUT, World, open_world
from worlds.measure import Ruler
from worlds.options import world_parser

import c2l

PROMPT_SEED = 11
RANDOM_SEED = 4_000_000_000
ALONE = "flow, its network alone"
"""The best of the bridges on the network of ``flow, auto`` that ask it, where stored latents
answer."""


def measure(name: str, work: Path) -> None:
    """Print the table of a world."""
    with redirect_stdout(sys.stderr):
        world = open_world(name, work)
    folder = work / "held_out" / name
    folder.mkdir(parents=True, exist_ok=True)
    ruler = Ruler(world, world.judge.questions(NUM_PROMPTS, PROMPT_SEED))
    pairs = c2l.build_pairs(world.generator, world.embedder, NUM_PAIRS, folder / "pairs")
    print(f"\n## {name}\n")
    print("| latents from | named, % | best of 16, % | diversity, % |\n| --- | --- | --- | --- |")

    def row(label: str, cell: Cell) -> None:
        print(f"| {label} | {' | '.join(scores(cell))} |", flush=True)

    seeds = range(RANDOM_SEED, RANDOM_SEED + NUM_PROMPTS * NUM_IMAGES)
    random = ruler.render(world.generator.sample_latents(seeds))
    row("random", Cell(**ruler.measure(random).to_dict()))
    row(PICKED, Cell(**ruler.measure_picked(pairs.latents, NUM_IMAGES).to_dict()))

    def train(label: str, kind: str) -> c2l.Prior:
        file = folder / f"{kind}.safetensors"
        said[label] = trained(world, pairs, kind, file)
        prior = c2l.load_prior(str(file.resolve()))
        row(label, drawn(ruler, prior))
        return prior

    said: dict[str, str] = {}
    train("neighbours", "neighbours")
    train("ridge", "ridge")
    prior = train(AUTO, "flow")
    if prior.settings().get("retrieval"):
        prior.adopt(best_of_network(prior))
        row(ALONE, drawn(ruler, prior))
    print(f"\nOf `{AUTO}`: *{said[AUTO]}*")


def best_of_network(prior: c2l.Prior) -> Mapping[str, Any]:
    """The settings by which most pictures fit, of those tried that do not answer with stored
    latents."""
    assert prior.card is not None
    trials = [t for t in prior.card.training["choice"]["trials"] if not t.get("retrieval")]
    best = min(trials, key=lambda trial: trial["unfit"])
    return {name: best[name] for name in prior.card.chosen}


def trained(world: World, pairs: c2l.Pairs, kind: str, file: Path) -> str:
    """Train a prior as ``c2l train`` does, unless it is there; gives what was said at its end."""
    words = file.with_suffix(".txt")
    if not words.exists():
        report = c2l.train_prior(
            kind,
            pairs,
            file,
            generator=world.generator,
            embedder=world.embedder,
            domain=world.domain_file(file.parent),
            student=False,
        )
        words.write_text(f"{report.choice}; {report.verdict}", encoding="utf-8")
    return words.read_text(encoding="utf-8")


def main() -> None:
    options = world_parser(__doc__, HELD_OUT).parse_args()
    torch.set_num_threads(1)
    print("# Held out\n\nMade by `python benchmarks/held_out.py --work DIR`.\n")
    print(
        f"{NUM_PAIRS:,} pairs; {NUM_PROMPTS} prompts, {NUM_IMAGES} pictures of each. Columns as in"
    )
    print("[resistance](resistance.md).")
    for name in options.world or HELD_OUT:
        measure(name, options.work)


if __name__ == "__main__":
    main()
