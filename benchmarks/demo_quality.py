"""The shipped recipes on both demo worlds, beside regression and nearest neighbours.

    python benchmarks/demo_quality.py --work DIR > benchmarks/demo_quality.md

One prior alone is ``c2l eval demo-faces -p PRIOR``; docs/evaluation.md says what the numbers mean.
DIR keeps pairs and evaluations from run to run, with their reports.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import c2l
from c2l.evaluation import METRICS, Evaluation, Outcome, find_judge

WORLDS = ("faces", "landscapes")
NUM_PAIRS = 40_000
NUM_IMAGES = 8
TRAINING: dict[str, dict[str, Any]] = {
    "mlp": {"settings": {"gap": "noise"}, "steps": 1500},
    "neighbours": {},
}
# Nothing was ever tuned on these captions.
PROMPT_SEED = 1
COLUMNS = ("accuracy", "all", "accuracy/best", "all/best", "diversity/own", "cmmd/own")


def priors(world: str, work: Path) -> dict[str, str]:
    """What each is called in the table, and its reference."""
    recipe = c2l.load_pipeline(f"demo-{world}")
    made = {"flow (shipped)": recipe.prior.reference}
    for kind in ("mlp", "neighbours"):
        file = work / f"{kind}-{world}.safetensors"
        if not file.exists():
            parts = recipe.generator, recipe.embedder
            pairs = c2l.build_pairs(*parts, NUM_PAIRS, work / f"{world}-pairs")
            c2l.train_prior(kind, pairs, file, student=False, **TRAINING[kind])
        made[kind] = str(file.resolve())
    return made


def row(name: str, outcome: Outcome) -> str:
    """A line of the table; a cell that does not apply is empty."""
    cells = [METRICS[c].text(outcome.scores[c]) if c in outcome.scores else "" for c in COLUMNS]
    cost = outcome.cost
    cells.append(f"{cost.parameters['prior'] / 1e6:.2f}" if cost else "")
    return f"| {' | '.join([name, *cells])} |"


def table(world: str, num: int, work: Path) -> None:
    """Evaluate every prior of a world on the same captions and print a table."""
    found = find_judge(f"stylegan:demo-{world}")
    assert found is not None
    questions = found[1].questions(num, PROMPT_SEED)
    done: dict[str, Evaluation] = {}
    for name, prior in priors(world, work).items():
        out = work / f"{world}-{name.partition(' ')[0]}"
        pipeline = c2l.load_pipeline(f"demo-{world}", prior=prior)
        done[name] = c2l.evaluate(pipeline, questions, num_images=NUM_IMAGES, out=out)
    named = sum(len(q.named) for q in questions) / num
    print(f"\n## demo-{world}\n")
    print(f"{num} held-out captions, {named:.1f} attributes named in each, {NUM_IMAGES} pictures")
    print("of each; ± one standard error over captions.\n")
    titles = [METRICS[name].title.replace("…", "") for name in COLUMNS]
    titles[2:4] = [f"{titles[0]}, best of {NUM_IMAGES}", f"{titles[1]}, best of {NUM_IMAGES}"]
    print(f"| latents from | {' | '.join(titles)} | prior, M numbers |")
    print("| --- " * (len(COLUMNS) + 2) + "|")
    shipped = next(iter(done.values()))
    for baseline in reversed(shipped.baselines):
        print(row(baseline.label, baseline))
    for name, evaluation in done.items():
        print(row(name, evaluation.variants[0]))
    shares = [
        f"{name.replace('_', ' ')} {100 * share.value:.0f}"
        for name, share in shipped.variants[0].by_attribute.items()
    ]
    print(f"\nflow, one sample, by attribute: {', '.join(shares)}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps pairs and evaluations")
    parser.add_argument("--num", type=int, default=200, help="captions for each world")
    parser.add_argument("--world", choices=WORLDS, action="append")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print("# Demo quality\n\nMade by `python benchmarks/demo_quality.py --work DIR`.")
    for world in options.world or WORLDS:
        table(world, options.num, options.work)


if __name__ == "__main__":
    main()
