"""Where facial hair is lost on the way from text to picture, on the demo's faces and its kin.

    python benchmarks/facial_hair.py --work DIR > benchmarks/facial_hair.md

Each row asks one part alone: judge, embedder, generator, prior. DIR is that of ``resistance.py``,
whose pairs and priors it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import torch
from resistance import AUTO, NUM_IMAGES, Bench, pairs_of, trained
from torch import Tensor
from torch.nn.functional import normalize
from worlds import World, open_world
from worlds.measure import Ruler, render
from worlds.options import world_parser
from worlds.statistics import read_by_a_line

from c2l import Question
from c2l_demo.worlds import FACES

WORLDS = ("faces", "faces-gan-fixed")
NAME = "facial_hair"
VALUES = next(a.values for a in FACES.attributes if a.name == NAME)
PHRASES = ("a clean-shaven man", "a man with a beard", "a man with a moustache")
NUM_PROMPTS = 40
"""That name each value."""
NUM_PICTURES = 3_000
SEED = 17
EACH = 4


def asked(world: World) -> list[Question]:
    """Prompts that name facial hair, each value as often."""
    found: dict[int, list[Question]] = {value: [] for value in range(len(VALUES))}
    for question in world.judge.questions(60 * NUM_PROMPTS, SEED):
        if NAME in question.named:
            found[question.named[NAME]].append(question)
    return [question for some in found.values() for question in some[:NUM_PROMPTS]]


def rows(name: str, work: Path) -> Iterator[tuple[str, list[float]]]:
    """What is right of each value, by who is asked."""
    bench, world = Bench(name, work), open_world(name, work)
    questions = asked(world)
    values = torch.tensor([q.named[NAME] for q in questions])
    assert world.drawings is not None
    drawings = world.drawings(questions)
    assert drawings is not None
    seen = world.judge(drawings)[NAME]
    yield "the judge, of true drawings", _each(seen == values, values)

    pairs = pairs_of(bench, world)
    latents = pairs.latents[:NUM_PICTURES].float()
    pictures = world.judge(torch.cat([render(world, part) for part in latents.split(500)]))
    men = (pictures["gender"] == _value("gender", "man")) & (
        pictures["age"] != _value("age", "child")
    )
    there = pictures[NAME]
    line = read_by_a_line(pairs.embeddings[:NUM_PICTURES].float()[men], there[men])
    print(f"\nOf {int(men.sum()):,} random pictures of men, the judge sees", end=" ")
    print(
        ", ".join(
            f"{v} in {100 * float((there[men] == i).float().mean()):.0f} %"
            for i, v in enumerate(VALUES)
        ),
        end="",
    )
    print(
        f" (true ones: 40, 30 and 30 %); a line reads {100 * line:.0f} % of what chance leaves open"
    )
    print("from their embeddings.\n")

    with torch.no_grad():
        phrases = world.embedder.embed_text(PHRASES).float()
        embedded = world.embedder.embed_images(drawings).float()
        texts = world.embedder.embed_text(list(world.domain)).float()
    told = _nearest(embedded, phrases, texts)
    yield "the embedder, which phrase suits a true drawing", _each(told == values, values)
    told = _nearest(pairs.embeddings[:NUM_PICTURES].float()[men], phrases, texts)
    yield (
        "the same, a generator's picture (as the judge sees it)",
        _each(told == there[men], there[men]),
    )

    prior, ruler = trained(bench, world, AUTO), Ruler(world, questions)
    latents = prior.sample(
        embedded.repeat_interleave(EACH, 0), seeds=range(EACH * len(embedded)), modality="image"
    )
    again = world.judge(torch.cat([render(world, part) for part in latents.split(500)]))[NAME]
    many = values.repeat_interleave(EACH)
    yield "the prior, asked with the embedding of a true drawing", _each(again == many, many)
    for label in ("neighbours", AUTO):
        images = ruler.render(ruler.draw(trained(bench, world, label), EACH))
        drawn = world.judge(images.flatten(0, 1))[NAME]
        yield f"{label}, asked with the prompt", _each(drawn == many, many)
    images = ruler.render(ruler.draw(prior, NUM_IMAGES))
    with torch.no_grad():
        flat = [world.embedder.embed_images(part) for part in images.flatten(0, 1).split(128)]
    near = torch.einsum(
        "pne,pe->pn",
        normalize(torch.cat(flat).float().unflatten(0, images.shape[:2]), dim=2),
        normalize(ruler.texts, dim=1),
    ).argmax(1)
    best = world.judge(images[torch.arange(len(images)), near])[NAME]
    yield f"{AUTO}, best of {NUM_IMAGES} by the embedder", _each(best == values, values)


def _nearest(pictures: Tensor, phrases: Tensor, texts: Tensor) -> Tensor:
    """Which phrase is nearest, each modality around its mean."""
    seen = normalize(pictures, dim=1)
    read = normalize(phrases, dim=1) - normalize(texts, dim=1).mean(0)
    products = (seen - seen.mean(0)) @ normalize(read, dim=1).T
    return ((products - products.mean(0)) / products.std(0)).argmax(1)


def _value(attribute: str, value: str) -> int:
    return next(a.values for a in FACES.attributes if a.name == attribute).index(value)


def _each(right: Tensor, values: Tensor) -> list[float]:
    return [float(right[values == value].float().mean()) for value in range(len(VALUES))]


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    torch.set_num_threads(1)
    print("# Facial hair\n\nMade by `python benchmarks/facial_hair.py --work DIR`.\n")
    print(f"{NUM_PROMPTS} prompts that name each; what is right, in %.")
    for name in options.world or WORLDS:
        print(f"\n## {name}")
        found = list(rows(name, options.work))
        print(f"| asked | {' | '.join(VALUES)} | mean |\n| --- | --- | --- | --- | --- |")
        for label, right in found:
            cells = [f"{100 * value:.0f}" for value in [*right, fmean(right)]]
            print(f"| {label} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
