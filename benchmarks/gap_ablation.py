"""What closes the gap between text and pictures: each ingredient alone, and those that add up.

    python benchmarks/gap_ablation.py --work DIR > benchmarks/gap_ablation.md

The demo's embedder was made for its worlds and leaves little of a gap. So every world is asked
twice: as it is, and with all its texts moved by one constant vector, so far that texts and pictures
that fit are as far apart as OpenCLIP's (a cosine of about .3). One flow is trained for each row,
all from the same pairs, first weights and batches, for the same number of steps, then asked with
the same captions, which the embedder was never trained on. DIR keeps pairs, priors and evaluations
from run to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize
from worlds.options import world_parser

import c2l
from c2l.evaluation import METRICS, Outcome, find_judge

WORLDS = ("faces", "landscapes")
NUM_PAIRS = 40_000
NUM_IMAGES = 8
STEPS = 2_000
# Nothing was ever tuned on these captions.
PROMPT_SEED = 1
COLUMNS = ("accuracy", "all", "diversity/own", "cmmd/own")
ROWS: Mapping[str, str] = {
    "none": "none",
    "noise": "noise",
    "centring": "centring",
    "both": "centring+noise",
    "both, and projection": "centring+noise+projection",
    "both, and ridge": "centring+noise+ridge",
}
"""What a row is called, and the setting ``gap`` of its flow."""

MOVES: Mapping[str, float] = {"as it is": 0.0, "texts moved away": 2.0}
"""How far texts of unit length are moved."""


def recipe_of(world: str, move: float) -> c2l.Pipeline:
    """The demo's recipe, with texts moved by a constant."""
    recipe = c2l.load_pipeline(f"demo-{world}")
    away = torch.randn(recipe.embedder.width, generator=torch.Generator().manual_seed(0))
    read = recipe.embedder.embed_text

    def moved(prompts: Sequence[str]) -> Tensor:
        return normalize(read(prompts), dim=1) + move * normalize(away, dim=0)

    recipe.embedder.embed_text = moved  # type: ignore[method-assign]
    return recipe


def evaluated(world: str, move: float, gap: str, num: int, steps: int, work: Path) -> Outcome:
    """Train a flow with this gap, unless it is there, and evaluate it."""
    recipe = recipe_of(world, move)
    name = f"{world}-{gap}-{steps}-{move:g}"
    file = (work / f"flow-{name}.safetensors").resolve()
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
    recipe.prior = c2l.load_prior(str(file))
    questions = found[1].questions(num, PROMPT_SEED)
    return c2l.evaluate(recipe, questions, num_images=NUM_IMAGES, out=work / name).variants[0]


def main() -> None:
    parser = world_parser(__doc__, WORLDS)
    parser.add_argument("--num", type=int, default=200, help="captions for each world")
    parser.add_argument("--steps", type=int, default=STEPS, help="of training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# Closing the gap\n\nMade by `python benchmarks/gap_ablation.py --work DIR`.\n")
    print(f"A flow from {NUM_PAIRS:,} pairs, {options.steps:,} steps; {options.num} held-out")
    print(f"captions, {NUM_IMAGES} pictures of each; ± one standard error over captions.")
    for world in options.world or WORLDS:
        for title, move in MOVES.items():
            print(f"\n## demo-{world}, {title}\n")
            print(f"| gap | {' | '.join(METRICS[name].title for name in COLUMNS)} |")
            print(f"| --- {'| --- ' * len(COLUMNS)}|")
            for name, gap in ROWS.items():
                scores = evaluated(
                    world, move, gap, options.num, options.steps, options.work
                ).scores
                cells = [METRICS[c].text(scores[c]) if c in scores else "" for c in COLUMNS]
                print(f"| {' | '.join([name, *cells])} |", flush=True)


if __name__ == "__main__":
    main()
