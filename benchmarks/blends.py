"""Whether both halves of a blend are seen: pictures of two prompts at once, on the demo's faces.

    python benchmarks/blends.py --work DIR > benchmarks/blends.md

DIR is that of ``resistance.py``, whose pairs and priors it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import torch
from resistance import AUTO, NUM_IMAGES, Bench, trained
from torch import Tensor
from worlds import open_world
from worlds.measure import render
from worlds.options import world_parser

import c2l
from c2l import Question
from c2l.blending import blend_embeddings

WORLDS = ("faces", "faces-gan-fixed")
NUM_PAIRS = 60
SEED = 23
SHARES = (1.0, 0.75, 0.5, 0.25)
"""Of the first half; the second has the rest."""


def pairs_of_prompts(world: str, work: Path) -> list[tuple[Question, Question]]:
    """Two prompts each that name nothing in common, at most three things."""
    asked = open_world(world, work).judge.questions(40 * NUM_PAIRS, SEED)
    short = [q for q in asked if len(q.named) <= 3]
    found = [
        (a, b)
        for a, b in zip(short[0::2], short[1::2], strict=False)
        if not a.named.keys() & b.named.keys()
    ]
    return found[:NUM_PAIRS]


def shown(seen: Mapping[str, Tensor], halves: Sequence[Question]) -> float:
    """The mean share of what each of P prompts names that its N pictures show; seen: (P * N,)."""
    each = []
    for row, question in enumerate(halves):
        part = slice(row * NUM_IMAGES, (row + 1) * NUM_IMAGES)
        right = [(seen[k][part] == v).float().mean() for k, v in question.named.items()]
        each.append(float(torch.stack(right).mean()))
    return fmean(each)


def table(name: str, work: Path) -> None:
    """Measure and print one world."""
    world, pairs = open_world(name, work), pairs_of_prompts(name, work)
    prior: c2l.Prior = trained(Bench(name, work), world, AUTO)
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    with torch.no_grad():
        ends = [
            world.embedder.embed_text([q.prompt for q in some]).float() for some in (first, second)
        ]
    rows = torch.stack(ends, dim=1)
    print(f"\n## {name}\n\n{len(pairs)} blends, {NUM_IMAGES} pictures of each.\n")
    print("| share of the first | named by the first, % | named by the second, % |")
    print("| --- | --- | --- |")
    for share in SHARES:
        asked = blend_embeddings(rows, torch.tensor([share, 1 - share]))
        latents = prior.sample(
            asked.repeat_interleave(NUM_IMAGES, 0), seeds=range(NUM_IMAGES * len(asked))
        )
        parts = [world.judge(render(world, part)) for part in latents.split(480)]
        seen = {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
        print(
            f"| {share} | {100 * shown(seen, first):.1f} | {100 * shown(seen, second):.1f} |",
            flush=True,
        )


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# Halves of a blend\n\nMade by `python benchmarks/blends.py --work DIR`.")
    for name in options.world or WORLDS:
        table(name, options.work)


if __name__ == "__main__":
    main()
