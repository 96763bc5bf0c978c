"""What the worlds that resist are like: how entangled their generators, how wide their gaps.

    python benchmarks/describe_worlds.py --work DIR > benchmarks/worlds.md

DIR is that of ``make_world.py``; worlds that it does not hold are made first.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import torch
from torch import Tensor
from worlds import WORLDS, World, open_world
from worlds.measure import RANDOM_SEED, render
from worlds.options import world_parser
from worlds.statistics import apart, read_by_a_line, statistics

from c2l_demo import WEIGHTS
from c2l_demo.judge_network import load_network

NUM_PICTURES = 4_000
NUM_CAPTIONS = 1_000
SEED = 5
DRAWERS = ("faces", "faces-gan-fixed", "digits-fixed")
"""Worlds that differ in their generator."""
PUBLISHED = {
    "true pairs": ".25 to .35",
    "any pair": "below that",
    "pictures": ".5 to .7",
    "texts": ".5 to .7",
    "centroids apart": ".7 to .9",
    "separable": "1",
}
"""Of the CLIPs of OpenAI and OpenCLIP on pictures of one kind; see Liang et al. 2022, arXiv
2203.02053, and Levi and Gilboa 2025, arXiv 2411.14517."""


def generators(worlds: Mapping[str, World]) -> None:
    """Print how truly each draws, and how far its w is from a list of what is drawn."""
    print("\n## Generators\n")
    print(f"{NUM_PICTURES:,} random pictures of each, read by the judge. *Read from w*: how much a")
    print(
        "linear map of w tells of what chance leaves open, 1 is all. *Apart*: how far frequencies"
    )
    print("of values are from those in true pictures (total variation).\n")
    print("| world | width of w | read from w | of each | apart | of each |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in (name for name in DRAWERS if name in worlds):
        world = worlds[name]
        assert world.corpus is not None
        latents = world.generator.sample_latents(range(RANDOM_SEED, RANDOM_SEED + NUM_PICTURES))
        seen = _judged(world, latents)
        true = world.judge(world.corpus().images(torch.arange(NUM_PICTURES)))
        read = {k: read_by_a_line(latents.flatten(1), values) for k, values in seen.items()}
        wrong = {k: apart(values, true[k]) for k, values in seen.items()}
        cells = [name, f"{latents[0].numel()}", f"{fmean(read.values()):.2f}", _each(read)]
        cells += [f"{fmean(wrong.values()):.3f}", _each(wrong)]
        print(f"| {' | '.join(cells)} |", flush=True)


def confidence(world: World) -> None:
    """Print how sure the judge of faces is of what it sees, in pictures and in drawings."""
    assert world.corpus is not None
    network = load_network(WEIGHTS / "judge-faces.safetensors")
    latents = world.generator.sample_latents(range(RANDOM_SEED, RANDOM_SEED + 1000))
    sure = []
    for images in (render(world, latents), world.corpus().images(torch.arange(1000))):
        logits = network(images.clamp(-1, 1))
        sure.append(fmean(float(part.softmax(1).amax(1).mean()) for part in logits))
    print("\nThe judge of faces gives what it sees in pictures of `faces-gan` a probability of")
    print(f"{sure[0]:.3f} in the mean, and in drawings of {sure[1]:.3f}.")


def embedders(worlds: Mapping[str, World]) -> None:
    """Print how pictures and captions of each lie."""
    print("\n## Embedders\n")
    print(
        f"{NUM_CAPTIONS:,} true pictures that trained nothing, and a caption of each. Mean cosines;"
    )
    print(
        "how often a line tells the two apart; how often a caption finds its picture among 256.\n"
    )
    print(f"| embedder | {' | '.join([*PUBLISHED, 'found among 256'])} |")
    print("| --- " * (2 + len(PUBLISHED)) + "|")
    print(f"| published | {' | '.join([*PUBLISHED.values(), ''])} |")
    for name, world in worlds.items():
        if world.corpus is None:
            continue
        corpus, rng = world.corpus(), torch.Generator().manual_seed(SEED)
        rows = torch.arange(corpus.num, corpus.num + NUM_CAPTIONS)
        captions = [corpus.caption(row, rng) for row in rows.tolist()]
        with torch.no_grad():
            seen = world.embedder.embed_images(corpus.images(rows)).float()
            read = world.embedder.embed_text(captions).float()
        values = [f"{value:.2f}" for value in statistics(seen, read).values()]
        print(f"| {name} | {' | '.join(values)} |", flush=True)


def _judged(world: World, latents: Tensor) -> dict[str, Tensor]:
    parts = [world.judge(render(world, some)) for some in latents.split(250)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _each(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    worlds = {name: open_world(name, options.work) for name in options.world or WORLDS}
    print("# Worlds that resist, and the demo's\n")
    print("Made by `python benchmarks/describe_worlds.py --work DIR`.")
    generators(worlds)
    if "faces-gan-fixed" in worlds:
        confidence(worlds["faces-gan-fixed"])
    embedders(worlds)


if __name__ == "__main__":
    main()
