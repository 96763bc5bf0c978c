"""Best of 256 by the student, which renders four pictures, against best of 16 by rendering.

    python benchmarks/student_ranking.py > benchmarks/student_ranking.md

For captions that nothing was trained on. Every prompt is asked alone, with its own seed, by each
way in turn. Alignment is the cosine of prompt and picture by the demo's embedder, which also
chooses among the rendered ones; milliseconds are CPU time of this process for the whole call.

Then what twice as many candidates bring: as the student foretells it, by which ``best_of=auto``
stops, and in truth, where all candidates are rendered.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l.evaluation import find_judge
from c2l.sampling.best_of import MOST_CANDIDATES
from c2l.sampling.enough import FEWEST, gain_of_doubling, spread_of
from c2l.sampling.ranking import FINALISTS, candidate_seeds, guess_cosines

WORLDS = ("faces", "landscapes")
PROMPT_SEED = 3
NUM_FORETOLD = 20
STEPS = (0.03, 0.06, 0.12)
"""Of foretold gains, in standard deviations of the cosines of random latents."""


@dataclass
class Way:
    """One way to the best picture of a prompt, and what it has reached so far."""

    name: str
    options: dict[str, Any]
    scores: list[float] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def draw(self, pipeline: c2l.Pipeline, prompt: str, seed: int) -> None:
        start = time.process_time()
        result = pipeline(prompt, seed=seed, **self.options)
        self.seconds += time.process_time() - start
        self.scores.append(float(result.scores[0]))
        self.drawn.append(result[0].record.get("chosen_from", 1))


def measure(world: str, num: int) -> None:
    pipeline = c2l.load_pipeline(f"demo-{world}")
    found = find_judge(f"stylegan:demo-{world}")
    assert found is not None
    prompts = [question.prompt for question in found[1].questions(num, PROMPT_SEED)]
    by_rendering = Way("best of 16 by rendering", {"best_of": 16})
    ways = [
        Way("one, unranked", {}),
        Way("best of 4 by rendering", {"best_of": 4}),
        by_rendering,
        Way("as many as help, by the student", {"best_of": "auto"}),
        Way("best of 128 by the student", {"best_of": 128, "rank_by": "student"}),
        Way("best of 256 by the student", {"best_of": 256, "rank_by": "student"}),
        Way("the same, prior at 4 steps", {"best_of": 256, "rank_by": "student", "steps": 4}),
    ]
    pipeline(prompts[0], best_of=256, rank_by="student")
    for number, prompt in enumerate(prompts):
        for way in ways:
            way.draw(pipeline, prompt, number)
    print(f"\n## demo-{world}, {num} prompts\n")
    print("| chosen | of | alignment | minus best of 16 | ms |")
    print("| --- | --- | --- | --- | --- |")
    others = torch.tensor(by_rendering.scores)
    for way in ways:
        scores = torch.tensor(way.scores)
        apart = "" if way is by_rendering else _mean(scores - others, "+")
        row = [way.name, f"{fmean(way.drawn):.0f}", _mean(scores), apart]
        print(f"| {' | '.join(row)} | {1000 * way.seconds / num:.0f} |")
    student = pipeline.prior.student
    assert student is not None
    latents = torch.randn(256, student.num_codes, student.latent_width)
    ranking, rendering = _ms(lambda: student(latents)), _ms(lambda: pipeline.draw(latents[:4]))
    print(
        f"\nThe student looks at 256 in {ranking:.1f} ms; rendering four takes {rendering:.1f} ms."
    )
    foretold(pipeline, prompts[:NUM_FORETOLD])


@torch.no_grad()
def foretold(pipeline: c2l.Pipeline, prompts: Sequence[str]) -> None:
    """Print what twice as many candidates were said to bring, and what they brought."""
    prior, asked = pipeline.prior, pipeline.embedder.embed_text(prompts).float()
    spread = spread_of(prior, asked)
    rows: dict[int, list[tuple[float, float]]] = {}
    for number, text in enumerate(asked):
        seeds = candidate_seeds(number, MOST_CANDIDATES)
        latents = prior.sample(text.expand(len(seeds), -1), seeds=seeds)
        guessed = guess_cosines(prior, latents[None], text[None])[0]
        parts = [pipeline.embedder.embed_images(pipeline.draw(x)) for x in latents.split(64)]
        true = torch.cosine_similarity(torch.cat(parts).float(), text[None], dim=1)

        def best_of(num: int, guessed: Tensor = guessed, true: Tensor = true) -> Tensor:
            return true[guessed[:num].topk(FINALISTS).indices].max()

        num = FEWEST
        while 2 * num <= len(seeds):
            said = gain_of_doubling(guessed[:num]) / float(spread[number])
            came = float((best_of(2 * num) - best_of(num)) / spread[number])
            rows.setdefault(min(len(STEPS), sum(said > step for step in STEPS)), []).append(
                (said, came)
            )
            num *= 2
    print("\n| foretold gain | times | foretold, mean | came |")
    print("| --- | --- | --- | --- |")
    names = [f"up to {STEPS[0]}", *(f"{a} to {b}" for a, b in pairwise(STEPS)), "more"]
    for place, pairs in sorted(rows.items()):
        said, came = (torch.tensor(values) for values in zip(*pairs, strict=True))
        means = f"{float(said.mean()):.3f} | {_mean(came, digits=3)}"
        print(f"| {names[place]} | {len(pairs)} | {means} |")


@torch.inference_mode()
def _ms(call: Callable[[], Tensor]) -> float:
    """CPU time of a call, the mean of ten."""
    call()
    start = time.process_time()
    for _ in range(10):
        call()
    return 100 * (time.process_time() - start)


def _mean(values: Tensor, sign: str = "", digits: int = 4) -> str:
    error = float(values.std()) / math.sqrt(len(values))
    return f"{float(values.mean()):{sign}.{digits}f} ± {error:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", action="append", choices=WORLDS)
    parser.add_argument("--num", type=int, default=200, help="prompts for each world")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("# Ranking without rendering\n\nMade by `python benchmarks/student_ranking.py`, one")
    print("thread, the shipped priors; ± one standard error over prompts.")
    for world in options.world or WORLDS:
        measure(world, options.num)


if __name__ == "__main__":
    main()
