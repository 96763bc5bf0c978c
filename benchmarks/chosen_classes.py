"""Whether the text chooses the class, and whether a class that is asked for is obeyed.

    python benchmarks/chosen_classes.py --work DIR

In the world of discs in ten colours (``worlds/discs.py``), made in DIR if it is not there, priors
are trained on pairs of drawn labels, and on pairs of the label of zeros, as c2l made them before it
knew of classes. What each picture shows is read off its pixels. The first rows bound the others:
what the network itself shows when it is told a class, and how many of the pictures next to a
prompt, as the embedder sees them, show what it names. On one core of its own all of it takes some
minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from worlds import World, open_world
from worlds.discs import NAMES, ZeroLabels, prompts

import c2l

NUM_PAIRS, EACH = 6_000, 8
NEXT = 50
"""Pictures that are nearest to a prompt, of a thousand of all classes."""
STEPS = 1_500
ANYTHING = ("something", "something dark", "all grey", "a red picture", "something blue")
"""Asked for with every class, which none of them names, or another."""
KINDS = ("flow", "ridge")
"""The last one does not learn classes: what it samples is moved."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps what was made")
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = open_world("discs", options.work)
    folder = options.work / "discs"
    print("| pairs | prior | the text's class | worst class | `--class` obeyed |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    told, near = bounds(world)
    print(f"| none: the network itself, told a class | | {told.mean():.1%} | {told.min():.1%} | |")
    print(f"| none: pictures next to a prompt | | {near.mean():.1%} | {near.min():.1%} | |")
    zeros = ZeroLabels.of(world.generator)
    for name, generator in (("drawn labels", world.generator), ("label of zeros", zeros)):
        pairs = c2l.build_pairs(
            generator, world.embedder, NUM_PAIRS, folder / name.replace(" ", "-")
        )
        for kind in KINDS if generator is world.generator else KINDS[:1]:
            out = folder / f"{name.replace(' ', '-')}-{kind}.safetensors"
            if not out.exists():
                c2l.train_prior(
                    kind,
                    pairs,
                    out,
                    steps=STEPS,
                    patience=STEPS,
                    student=False,
                    generator=generator,
                    embedder=world.embedder,
                    domain=world.domain_file(folder),
                )
            prior = c2l.load_prior(f"{kind}:{out.absolute()}", device="cpu")
            pipeline = c2l.load_pipeline(
                generator=generator, embedder=world.embedder, prior=prior, device="cpu"
            )
            free = by_text(world, pipeline)
            row = f"| {name} | {kind} | {free.mean():.1%} | {free.min():.1%} |"
            print(f"{row} {obeyed(world, pipeline)} |", flush=True)


def bounds(world: World) -> tuple[Tensor, Tensor]:
    """What a told class shows, and what is next to a text, as the embedder sees it; (10,) each."""
    classes = torch.arange(1000) % len(NAMES)
    pictures = drawn(world, world.generator.sample_class_latents(range(1000), classes.tolist()))
    texts = world.embedder.embed_text([text for _, text in prompts()])
    near = F.normalize(texts, dim=1) @ F.normalize(world.embedder.embed_images(pictures), dim=1).T
    shown = world.judge(pictures)["disc"]
    asked = torch.tensor([number for number, _ in prompts()]).repeat_interleave(NEXT)
    return shares(shown, classes), shares(shown[near.topk(NEXT).indices.flatten()], asked)


def by_text(world: World, pipeline: c2l.Pipeline) -> Tensor:
    """Of each class, the share of pictures of prompts that name it which show it, (10,)."""
    asked = prompts()
    shown = [judged(world, pipeline(text, num_images=EACH)) for _, text in asked]
    classes = torch.tensor([number for number, _ in asked]).repeat_interleave(EACH)
    return shares(torch.cat(shown), classes)


def obeyed(world: World, pipeline: c2l.Pipeline) -> str:
    """How many pictures show the class that was asked for, whatever the prompt says."""
    if pipeline.generator.classes is None:
        return "has none"
    right = torch.cat(list(_told(world, pipeline)))
    return f"{int(right.sum())} of {len(right)}"


def _told(world: World, pipeline: c2l.Pipeline) -> Iterator[Tensor]:
    for number, name in enumerate(NAMES):
        for text in ANYTHING:
            yield judged(world, pipeline(text, num_images=EACH, class_label=name)) == number


def judged(world: World, result: c2l.Result) -> Tensor:
    return world.judge(result.images)["disc"]


def drawn(world: World, latents: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([world.generator.synthesize(part) for part in latents.split(100)])


def shares(shown: Tensor, classes: Tensor) -> Tensor:
    """Of each class, how often it is shown where it should be."""
    right = (shown == classes).double()
    return torch.stack([right[classes == number].mean() for number in range(len(NAMES))])


if __name__ == "__main__":
    main()
