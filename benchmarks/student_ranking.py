"""Best of 256 by the student, which renders one picture, against best of 16 by rendering.

    python benchmarks/student_ranking.py > benchmarks/student_ranking.md

For prompts that the demo's embedder was never trained on. Every prompt is asked alone, with its own
seeds. Alignment is the cosine of prompt and picture by the demo's embedder, which also chooses
among the rendered ones; milliseconds are CPU time of this process, prior included.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

import c2l
from c2l.student import Student
from c2l_demo.make.dataset import load_world
from c2l_demo.make.world import is_held_out

CANDIDATES, RENDERED = 256, 16


def prompts_of(world: str, num: int) -> list[str]:
    """Held-out captions, no two the same."""
    drawn, rng = load_world(world), np.random.default_rng(20_221_125)
    found: dict[str, None] = {}
    while len(found) < num:
        caption, _ = drawn.caption(drawn.sample(rng), rng)
        if is_held_out(caption):
            found[caption] = None
    return list(found)


class Ranking:
    """The two ways to the best picture of a prompt."""

    def __init__(self, pipeline: c2l.Pipeline, student: Student) -> None:
        self.pipeline, self.student = pipeline, student

    def by_rendering(self, num: int, steps: int | None) -> Callable[[Tensor, int], Tensor]:
        """The picture that the embedder likes best among ``num``, to a text embedding (1, E)."""

        def pick(text: Tensor, seed: int) -> Tensor:
            images = self.pipeline.draw(self._sample(text, seed, num, steps))
            seen = self.pipeline.embedder.embed_images(images)
            return images[int(cosine_similarity(seen, text).argmax())]

        return pick

    def by_student(self, num: int, steps: int | None) -> Callable[[Tensor, int], Tensor]:
        """The picture of the latent that the student likes best among ``num``."""

        def pick(text: Tensor, seed: int) -> Tensor:
            latents = self._sample(text, seed, num, steps)
            best = int(cosine_similarity(self.student(latents), text).argmax())
            return self.pipeline.draw(latents[best : best + 1])[0]

        return pick

    def _sample(self, text: Tensor, seed: int, num: int, steps: int | None) -> Tensor:
        seeds = range(seed * CANDIDATES, seed * CANDIDATES + num)
        return self.pipeline.prior.sample(text.expand(num, -1), seeds=seeds, steps=steps)

    def row(self, name: str, pick: Callable[[Tensor, int], Tensor], prompts: Sequence[str]) -> str:
        """Alignment and its standard error over prompts, and milliseconds a prompt."""
        texts = self.pipeline.embedder.embed_text(prompts)
        pick(texts[:1], 0)
        start = time.process_time()
        chosen = [pick(texts[i : i + 1], i) for i in range(len(texts))]
        spent = 1000 * (time.process_time() - start) / len(texts)
        cosines = cosine_similarity(self.pipeline.embedder.embed_images(torch.stack(chosen)), texts)
        error = float(cosines.std()) / math.sqrt(len(cosines))
        return f"| {name} | {float(cosines.mean()):.4f} ± {error:.4f} | {spent:.0f} |"


@torch.inference_mode()
def measure(world: str, prior: str | None, num: int, steps: Sequence[int]) -> None:
    pipeline = (
        c2l.load_pipeline(f"demo-{world}") if prior is None else c2l.load_pipeline(prior=prior)
    )
    student = pipeline.prior.student
    if student is None:
        raise SystemExit(f"{pipeline.prior.reference} has no student: train it with c2l train")
    prompts, ranking = prompts_of(world, num), Ranking(pipeline, student)
    print(f"\n## demo-{world}, {num} prompts, {pipeline.prior.reference}\n")
    print("| chosen | alignment | ms |\n| --- | --- | --- |")
    print(ranking.row("one, unranked", ranking.by_rendering(1, None), prompts))
    rendered = ranking.by_rendering(RENDERED, None)
    print(ranking.row(f"best of {RENDERED} by rendering", rendered, prompts), flush=True)
    for count in (None, *steps):
        name = f"best of {CANDIDATES} by the student" + (f", {count} steps" if count else "")
        print(ranking.row(name, ranking.by_student(CANDIDATES, count), prompts), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--world", action="append", choices=("faces", "landscapes"))
    parser.add_argument("--prior", help="instead of the shipped one, for one --world")
    parser.add_argument("--num", type=int, default=128, help="prompts")
    parser.add_argument("--steps", type=int, nargs="*", default=[8, 4], help="of the prior")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "# Ranking without rendering\n\nMade by `python benchmarks/student_ranking.py`, one thread."
    )
    for world in args.world or ("faces", "landscapes"):
        measure(world, args.prior, args.num, args.steps)


if __name__ == "__main__":
    main()
