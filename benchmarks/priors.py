"""Every prior on both demo worlds, beside the recipe of the 2022 paper: one table for each world.

    python benchmarks/priors.py --work DIR > benchmarks/priors.md

DIR keeps pairs, priors and evaluations from run to run, with their reports; with nothing in it the
whole takes some hours on two cores, most of them for the paper's transformer and its 1000 steps.
Captions are held out from the embedder. The settings of what ships were chosen on those of another
seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from worlds.options import world_parser

import c2l
from c2l.evaluation import METRICS, Evaluation, Outcome, find_judge
from c2l.evaluation.estimates import Difference, Estimate
from c2l_demo_workshop.shipped import NUM_PAIRS, SETTINGS

WORLDS = ("faces", "landscapes")
NUM_PROMPTS = 100
NUM_IMAGES = 16
PROMPT_SEED = 2
COLUMNS = ("accuracy", "accuracy/best", "diversity/own", "diversity/latents", "cmmd/own")

# The paper's transformer, narrower as this world is: raw embeddings, isotropic noise of length 1,
# the few-step sampler of the released code at guidance 2 (Pinkney & Li 2022, arXiv 2210.02347).
PAPER: Mapping[str, Any] = {
    "width": 128,
    "depth": 6,
    "heads": 8,
    "head_width": 32,
    "noise": 1.0,
    "sampler": "skip",
    "steps": 4,
    "guidance": 2.0,
}


@dataclass(frozen=True)
class Entry:
    """A row.

    Args:
        file: the stem of the prior's file in DIR; entries may share one. Empty: what ships.
        kind, settings, training: how it is trained if it is not there.
        as_shipped: its settings are those of the shipped prior of the world.
        asked: settings to change on the loaded prior: other defaults of its sampler.
    """

    label: str
    file: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    as_shipped: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)


_PAPER = {"file": "paper", "kind": "diffusion", "settings": PAPER, "training": {"steps": 8000}}
ENTRIES = (
    Entry("flow (shipped)", "", "flow"),
    Entry("mlp", "mlp", "mlp", as_shipped=True),
    Entry("ridge", "ridge", "ridge"),
    Entry("neighbours", "neighbours", "neighbours"),
    Entry("2022 recipe, 1000 steps", **_PAPER, asked={"steps": 1000}),
    Entry("2022 recipe, 4-step skip", **_PAPER),
    Entry("2022 network, dpm++2m, 10 steps", **_PAPER, asked={"sampler": "dpm++2m", "steps": None}),
)


def prior_of(entry: Entry, world: str, recipe: c2l.Pipeline, work: Path) -> c2l.Prior:
    """The prior of an entry, trained if it is not there."""
    if not entry.file:
        return c2l.load_pipeline(f"demo-{world}").prior
    file = work / f"{entry.file}-{world}.safetensors"
    if not file.exists():
        parts = recipe.generator, recipe.embedder
        pairs = c2l.build_pairs(*parts, NUM_PAIRS, work / f"{world}-pairs")
        c2l.train_prior(
            entry.kind,
            pairs,
            file,
            generator=recipe.generator,
            embedder=recipe.embedder,
            settings=dict(SETTINGS[world] if entry.as_shipped else entry.settings),
            student=False,
            domain=world,
            **entry.training,
        )
    prior = c2l.load_prior(str(file.resolve()))
    prior.config = prior.Settings(**{**prior.settings(), **entry.asked})
    return prior


def row(entry_label: str, outcome: Outcome) -> str:
    """A line of the table; a cell that does not apply is empty."""
    cells = [METRICS[c].text(outcome.scores[c]) if c in outcome.scores else "" for c in COLUMNS]
    if outcome.cost:
        cells.append(f"{outcome.cost.alone['prior']:.1f}")
        cells.append(f"{outcome.cost.parameters['prior'] / 1e6:.2f}")
    else:
        cells += ["", ""]
    return f"| {' | '.join([entry_label, *cells])} |"


def table(world: str, work: Path) -> None:
    """Evaluate every prior of a world on the same captions and print a table."""
    found = find_judge(f"stylegan:demo-{world}")
    assert found is not None
    questions = found[1].questions(NUM_PROMPTS, PROMPT_SEED)
    recipe = c2l.load_pipeline(f"demo-{world}")
    done: dict[str, Evaluation] = {}
    for entry in ENTRIES:
        pipeline = c2l.Pipeline(
            recipe.generator, recipe.embedder, prior_of(entry, world, recipe, work)
        )
        out = work / f"{world}-{entry.label.replace(' ', '-').replace(',', '')}"
        done[entry.label] = c2l.evaluate(pipeline, questions, num_images=NUM_IMAGES, out=out)
    print(f"\n## demo-{world}\n")
    print(
        f"{NUM_PROMPTS} held-out captions, {NUM_IMAGES} pictures of each; ± one standard error.\n"
    )
    titles = [METRICS[name].title.replace("…", "") for name in COLUMNS]
    titles[1] = f"{titles[0]}, best of {NUM_IMAGES}"
    print(f"| latents from | {' | '.join(titles)} | prior, ms | prior, M numbers |")
    print("| --- " * (len(COLUMNS) + 3) + "|")
    ours = next(iter(done.values()))
    for baseline in reversed(ours.baselines):
        print(row(baseline.label, baseline))
    for label, evaluation in done.items():
        print(row(label, evaluation.variants[0]))
    print("\nflow minus the others, in pairs over captions:\n")
    print("| flow minus | named attributes | diversity | latents' diversity |")
    print("| --- | --- | --- | --- |")
    for label, evaluation in done.items():
        if evaluation is not ours:
            cells = [
                _difference(ours.scores[name], evaluation.scores[name], name)
                for name in ("accuracy", "diversity/own", "diversity/latents")
            ]
            print(f"| {label} | {' | '.join(cells)} |")


def _difference(ours: Estimate, theirs: Estimate, name: str) -> str:
    difference = Difference.between(ours, theirs)
    text = METRICS[name].difference_text(difference)
    if not difference.error:
        return text
    return f"{text} ({difference.value / difference.error:+.1f} s.e.)"


def main() -> None:
    options = world_parser(__doc__, WORLDS).parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    print("# Priors on the demo worlds\n\nMade by `python benchmarks/priors.py --work DIR`.")
    for world in options.world or WORLDS:
        table(world, options.work)


if __name__ == "__main__":
    main()
