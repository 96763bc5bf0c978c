"""Every bridge from text to pictures on worlds that resist and on the demo: one table for each.

    python benchmarks/bridges.py --work DIR > benchmarks/bridges.md

All rows of a world learn from the same pairs, for the same number of steps. DIR keeps worlds, pairs
and priors from run to run; with nothing in it the whole takes some two hours on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from worlds import WORLDS, World, open_world
from worlds.colours import BRIGHTNESS, LEADS

import c2l
from c2l import Question
from c2l.evaluation.judge import mark_attributes

NUM_PAIRS = 12_000
STEPS = 1_200
NUM_PROMPTS = 60
NUM_IMAGES = 8
PROMPT_SEED = 3
RANDOM_SEED = 3_000_000_000
"""Far from the seeds of any pairs."""


@dataclass(frozen=True)
class Row:
    """A row of the table: what is trained, and with which settings."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


OLD = {"noise": 1.0, "adherence": 0.25}
ROWS: Mapping[str, Row] = {
    "neighbours": Row("neighbours"),
    "ridge": Row("ridge"),
    "flow, noise alone (2022)": Row("flow", {"gap": "noise", **OLD}),
    "flow, centring+noise+projection (old default)": Row(
        "flow", {"gap": "centring+noise+projection", **OLD}
    ),
    "flow, auto": Row("flow"),
    "onestep, auto": Row("onestep"),
}


@dataclass(frozen=True)
class Measured:
    """What pictures of prompts show.

    Args:
        accuracy, error: share of the named attributes, and its standard error over prompts.
        by_attribute: the same for each attribute.
        diversity: how far pictures of a prompt are apart, as a part of random pictures.
    """

    accuracy: float
    error: float
    by_attribute: Mapping[str, float]
    diversity: float


def measure(world: World, questions: Sequence[Question], images: Tensor) -> Measured:
    """Of pictures (P, N, 3, H, W) of P questions."""
    seen = world.judge(images.flatten(0, 1))
    shape = images.shape[:2]
    marks = mark_attributes(
        [q.named for q in questions], {name: v.view(shape) for name, v in seen.items()}
    )
    share = marks.share.mean(1)
    return Measured(
        float(share.mean()),
        float(share.std() / len(share) ** 0.5),
        {name: float(values.float().mean()) for name, values in marks.by_attribute.items()},
        float(pixels_apart(images).mean() / pixels_apart(random_images(world)[None])),
    )


def pixels_apart(images: Tensor) -> Tensor:
    """The mean distance of two pictures of each prompt, a root mean square over pixels: (P,)."""
    flat = images.clamp(-1, 1).flatten(2)
    num = flat.shape[1]
    return (torch.cdist(flat, flat) / flat.shape[2] ** 0.5).sum((1, 2)) / (num * (num - 1))


def random_images(world: World, num: int = 64) -> Tensor:
    """Pictures of the generator's own distribution."""
    return render(world, world.generator.sample_latents(range(RANDOM_SEED, RANDOM_SEED + num)))


@torch.no_grad()
def render(world: World, latents: Tensor) -> Tensor:
    return torch.cat([world.generator.synthesize(part) for part in latents.split(64)])


@torch.no_grad()
def draw(world: World, prior: c2l.Prior, prompts: Sequence[str], num: int) -> Tensor:
    """``num`` pictures of each of P prompts, (P, num, 3, H, W)."""
    asked = world.embedder.embed_text(prompts).float().repeat_interleave(num, dim=0)
    latents = prior.sample(asked, seeds=range(len(asked)))
    return render(world, latents).unflatten(0, (-1, num))


def trained(name: str, world: World, row: Row, label: str, steps: int, work: Path) -> c2l.Prior:
    """The prior of a row, trained unless it is there; says what it chose."""
    file = work / name / f"{''.join(c if c.isalnum() else '-' for c in label)}-{steps}.safetensors"
    if not file.exists():
        pairs = c2l.build_pairs(world.generator, world.embedder, NUM_PAIRS, work / name / "pairs")
        c2l.train_prior(
            row.kind,
            pairs,
            file,
            generator=None if row.settings else world.generator,  # only to choose by pictures
            embedder=world.embedder,
            domain=world.domain_file(work / name),
            settings=dict(row.settings),
            steps=steps,
            patience=steps,
            student=False,
        )
    return c2l.load_prior(str(file.resolve()))


def choice_of(prior: c2l.Prior) -> str:
    """What a prior chose itself."""
    assert prior.card is not None
    return ", ".join(f"{name} {value}" for name, value in prior.card.chosen.items())


def worth_of_choice(world: World, prior: c2l.Prior, questions: Sequence[Question]) -> str:
    """How well what training saw without labels foretells accuracy, over all bridges it tried."""
    assert prior.card is not None
    trials = prior.card.training.get("choice", {}).get("trials", [])
    if not trials:
        return ""
    prompts = [question.prompt for question in questions]
    fits, accuracies = [], []
    for trial in trials:
        prior.adopt({name: trial[name] for name in prior.card.chosen})
        images = draw(world, prior, prompts, NUM_IMAGES // 2)
        fits.append(trial["fit"])
        accuracies.append(measure(world, questions, images).accuracy)
    prior.adopt(prior.card.chosen)
    correlation = rank_correlation(torch.tensor(fits), torch.tensor(accuracies))
    return (
        f"Over the {len(trials)} bridges tried, fit and accuracy have a rank correlation of "
        f"{correlation:.2f}; the most accurate reaches {100 * max(accuracies):.1f} %."
    )


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's."""
    ranks = torch.stack([a, b]).argsort(1).argsort(1).float()
    return float(torch.corrcoef(ranks)[0, 1])


def table(name: str, labels: Sequence[str], steps: int, work: Path) -> None:
    """Train and measure rows of a world, and print its table."""
    world = open_world(name, work)
    questions = world.judge.questions(NUM_PROMPTS, PROMPT_SEED)
    prompts = [question.prompt for question in questions]
    print(f"\n## {name}\n\n{len(questions)} prompts, {NUM_IMAGES} pictures of each.\n")
    print("| latents from | named attributes, % | by attribute, % | diversity, % | chosen |")
    print("| --- | --- | --- | --- | --- |")
    colours: dict[str, Tensor] = {}
    worth = ""
    for label in labels:
        prior = trained(name, world, ROWS[label], label, steps, work)
        found = measure(world, questions, draw(world, prior, prompts, NUM_IMAGES))
        few = len(found.by_attribute) < 5
        each = ", ".join(f"{a} {100 * v:.1f}" for a, v in found.by_attribute.items() if few)
        accuracy = f"{100 * found.accuracy:.1f} ± {100 * found.error:.1f}"
        cells = [label, accuracy, each, f"{100 * found.diversity:.0f}", choice_of(prior)]
        print(f"| {' | '.join(cells)} |", flush=True)
        if label == "flow, auto":
            worth = worth_of_choice(world, prior, questions)
        if name == "colours":
            drawn = draw(world, prior, [*LEADS, *BRIGHTNESS], 32)
            colours[label] = (drawn.clamp(-1, 1).mean((1, 3, 4)) * 127.5 + 127.5).round().int()
    if worth:
        print(f"\n{worth}")
    if colours:
        print("\nMean red/green/blue of 32 pictures:\n")
        print(f"| latents from | {' | '.join([*LEADS, *BRIGHTNESS])} |")
        print("| --- " * (1 + len(LEADS) + len(BRIGHTNESS)) + "|")
        for label, means in colours.items():
            print(f"| {label} | {' | '.join('/'.join(map(str, m.tolist())) for m in means)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps everything it makes")
    parser.add_argument("--steps", type=int, default=STEPS, help="of training")
    parser.add_argument("--row", choices=ROWS, action="append")
    parser.add_argument("--world", choices=WORLDS, action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# Bridges from text to pictures\n\nMade by `python benchmarks/bridges.py --work DIR`.\n")
    print(f"Each row learnt from {NUM_PAIRS:,} pairs in {options.steps:,} steps. Diversity is that")
    print("of pixels, as a part of random pictures; ± one standard error over prompts.")
    for name in options.world or WORLDS:
        table(name, options.row or list(ROWS), options.steps, options.work)


if __name__ == "__main__":
    main()
