"""All that an evaluation draws, as batches that are drawn, looked at and kept one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from c2l.clock import Clock
from c2l.evaluation.judge import CalibratedJudge, Question
from c2l.evaluation.plan import RANDOM_SEED, REFERENCE_SEED, Plan, Variant
from c2l.evaluation.sampling import Eyes, batch_size, draw_prompts, draw_random
from c2l.evaluation.store import Store
from c2l.pipeline import Pipeline

REFERENCE, RANDOM, DRAWINGS = "reference", "random", "drawings"

Batches = list[dict[str, Tensor]]


class EvaluationInterrupted(KeyboardInterrupt):
    """Ctrl-C; what was drawn is kept if there is a folder.

    Args:
        num_done, num: pictures drawn and looked at, and in all.
    """

    def __init__(self, num_done: int, num: int) -> None:
        super().__init__(f"{num_done:,} of {num:,} pictures are done")
        self.num_done = num_done
        self.num = num


def variant_name(index: int) -> str:
    """What the batches of a variant are called."""
    return f"variant-{index}"


def draw_all(
    pipeline: Pipeline,
    plan: Plan,
    text: Tensor,
    eyes: Eyes,
    store: Store,
    on_progress: Callable[[int, int, str], None],
) -> dict[str, Batches]:
    """Draw and look at everything that the store does not hold yet.

    Args:
        text: embeddings of all prompts by the recipe's own embedder, (P, E).
    Returns:
        the batches of ``REFERENCE``, ``RANDOM``, every variant, and ``DRAWINGS`` if there are any.
    Raises:
        EvaluationInterrupted: Ctrl-C.
    """
    # Prompts first: what the prior or the pipeline refuses comes out at once.
    jobs: list[_Job] = []
    for index, variant in enumerate(plan.variants):
        jobs += _prompt_jobs(pipeline, plan, text, eyes, index, variant)
    jobs += _random_jobs(pipeline, plan, eyes, REFERENCE, REFERENCE_SEED)
    jobs += _random_jobs(pipeline, plan, eyes, RANDOM, RANDOM_SEED)
    if isinstance(eyes.judge, CalibratedJudge):
        jobs += _drawing_jobs(plan.questions, eyes, eyes.judge, pipeline.generator.device)
    batches: dict[str, Batches] = {}
    done, num = 0, sum(job.num for job in jobs)
    drawing = False
    on_progress(0, num, "")
    try:
        for job in jobs:
            batch = store.load(job.key)
            if batch is None:
                if not drawing:  # what was done before is no work of this run
                    drawing = True
                    on_progress(done, num, job.note)
                batch = job.make()
                store.save(job.key, batch)
            batches.setdefault(job.source, []).append(batch)
            done += job.num
            if drawing:
                on_progress(done, num, job.note)
    except KeyboardInterrupt:
        raise EvaluationInterrupted(done, num) from None
    return batches


@dataclass(frozen=True)
class _Job:
    source: str
    key: str
    num: int
    note: str
    make: Callable[[], dict[str, Tensor]]


def _prompt_jobs(
    pipeline: Pipeline, plan: Plan, text: Tensor, eyes: Eyes, index: int, variant: Variant
) -> Iterator[_Job]:
    size = max(1, batch_size(pipeline) // plan.num_images)
    note = f"variant {index + 1} of {len(plan.variants)}" if len(plan.variants) > 1 else ""
    for first in range(0, len(plan.prompts), size):
        last = min(first + size, len(plan.prompts))

        def make(first: int = first, last: int = last) -> dict[str, Tensor]:
            return draw_prompts(
                pipeline,
                plan.prompts[first:last],
                text[first:last],
                plan.seeds(first, last),
                variant,
                eyes,
                num_thumbnails=max(0, min(last, plan.num_shown) - first) * plan.num_images,
            )

        source = variant_name(index)
        yield _Job(source, f"{source}-{first:06}", (last - first) * plan.num_images, note, make)


def _random_jobs(
    pipeline: Pipeline, plan: Plan, eyes: Eyes, source: str, seed: int
) -> Iterator[_Job]:
    size, end = batch_size(pipeline), seed + plan.num_reference
    for first in range(seed, end, size):
        seeds = range(first, min(first + size, end))

        def make(seeds: Sequence[int] = seeds) -> dict[str, Tensor]:
            return draw_random(pipeline, seeds, eyes)

        yield _Job(source, f"{source}-{first - seed:06}", len(seeds), source, make)


def _drawing_jobs(
    questions: Sequence[Question], eyes: Eyes, judge: CalibratedJudge, device: torch.device
) -> Iterator[_Job]:
    size = 64
    for first in range(0, len(questions), size):
        some = questions[first : first + size]
        images = judge.drawings(some)
        if images is None:
            return

        def make(some: Sequence[Question] = some) -> dict[str, Tensor]:
            images = judge.drawings(some)
            assert images is not None, "it had drawings of these before"
            return eyes.look(images.to(device), Clock(device))

        yield _Job(DRAWINGS, f"{DRAWINGS}-{first:06}", len(some), DRAWINGS, make)
