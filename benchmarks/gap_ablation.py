"""What closes the gap between text and pictures: each ingredient alone, and those that add up.

    python benchmarks/gap_ablation.py --work DIR > benchmarks/gap_ablation.md

One flow is trained for each row, all from the same pairs, first weights and batches, and for the
same number of steps, then asked with the same captions that the demo's embedder was never trained
on. DIR keeps pairs, priors and evaluations from run to run.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import c2l
from c2l.evaluation import METRICS, Outcome, find_judge

WORLDS = ("faces", "landscapes")
NUM_PAIRS = 40_000
NUM_IMAGES = 8
STEPS = 3_000
# Nothing was ever tuned on these captions.
PROMPT_SEED = 1
COLUMNS = ("accuracy", "all", "diversity/own", "cmmd/own")
ROWS: Mapping[str, str] = {
    "none": "none",
    "noise": "noise",
    "centring": "centring",
    "both": "centring+noise",
    "both, noise shaped": "centring+shaped",
    "both, and projection": "centring+noise+projection",
    "both, and ridge": "centring+noise+ridge",
}
"""What a row is called, and the setting ``gap`` of its flow."""


def evaluated(world: str, gap: str, num: int, steps: int, work: Path) -> Outcome:
    """Train a flow with this gap, unless it is there, and evaluate it."""
    recipe = c2l.load_pipeline(f"demo-{world}")
    file = (work / f"flow-{world}-{gap}-{steps}.safetensors").resolve()
    if not file.exists():
        parts = recipe.generator, recipe.embedder
        pairs = c2l.build_pairs(*parts, NUM_PAIRS, work / f"{world}-pairs")
        c2l.train_prior(
            "flow",
            pairs,
            file,
            embedder=recipe.embedder,
            domain=world,
            settings={"gap": gap},
            steps=steps,
            patience=steps,
            student=False,
        )
    found = find_judge(f"stylegan:demo-{world}")
    assert found is not None
    return c2l.evaluate(
        c2l.load_pipeline(f"demo-{world}", prior=str(file)),
        found[1].questions(num, PROMPT_SEED),
        num_images=NUM_IMAGES,
        out=work / f"{world}-{gap}-{steps}",
    ).variants[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps what was made")
    parser.add_argument("--num", type=int, default=200, help="captions for each world")
    parser.add_argument("--steps", type=int, default=STEPS, help="of training")
    parser.add_argument("--world", choices=WORLDS, action="append")
    options = parser.parse_args()
    print("# Closing the gap\n\nMade by `python benchmarks/gap_ablation.py --work DIR`.")
    for world in options.world or WORLDS:
        print(f"\n## demo-{world}\n")
        print(f"A flow from {NUM_PAIRS:,} pairs, {options.steps:,} steps; {options.num} held-out")
        print(f"captions, {NUM_IMAGES} pictures of each; ± one standard error over captions.\n")
        print(f"| gap | {' | '.join(METRICS[name].title for name in COLUMNS)} |")
        print(f"| --- {'| --- ' * len(COLUMNS)}|")
        for name, gap in ROWS.items():
            scores = evaluated(world, gap, options.num, options.steps, options.work).scores
            cells = [METRICS[c].text(scores[c]) if c in scores else "" for c in COLUMNS]
            print(f"| {' | '.join([name, *cells])} |", flush=True)


if __name__ == "__main__":
    main()
