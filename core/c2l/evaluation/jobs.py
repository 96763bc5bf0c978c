"""Everything that an evaluation draws, in batches that are drawn and kept one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from c2l.clock import Clock
from c2l.evaluation.judge import CalibratedJudge, Question
from c2l.evaluation.observations import Observations
from c2l.evaluation.observing import Observer
from c2l.evaluation.plan import RANDOM_SEED, REFERENCE_SEED, Plan
from c2l.evaluation.sampling import batch_size, draw_prompts, draw_random
from c2l.evaluation.store import Store
from c2l.pipeline import Pipeline

_REFERENCE, _RANDOM, _DRAWINGS = "reference", "random", "drawings"
_DRAWINGS_AT_ONCE = 64

OnProgress = Callable[[int, int, str], None]
"""Takes the number of pictures done, the number in all, and a note on what is being drawn."""


class EvaluationInterrupted(KeyboardInterrupt):
    """Ctrl-C; what was drawn is kept if there is a folder.

    Args:
        num_done, num: pictures drawn and looked at, and in all.
    """

    def __init__(self, num_done: int, num: int) -> None:
        super().__init__(f"{num_done:,} of {num:,} pictures are done")
        self.num_done = num_done
        self.num = num


@dataclass(frozen=True)
class Drawn:
    """Everything that was drawn for a plan, as it was seen.

    Args:
        variants: the prompts' pictures by each variant, P * N of them.
        reference: M pictures of the generator's own distribution, to compare with.
        random: as many again, to stand in for the prompts' pictures.
        drawings: one for each question, right by construction; None where the judge has none.
    """

    variants: tuple[Observations, ...]
    reference: Observations
    random: Observations
    drawings: Observations | None


@dataclass(frozen=True)
class Share:
    """What one of several processes draws, of a store that all of them fill.

    Args:
        rank, num: which of how many it is.
        others_work: waits for a moment, and gives whether any of the others is still drawing. What
            they have not drawn by their end is drawn by whoever asks.
    """

    rank: int = 0
    num: int = 1
    others_work: Callable[[], bool] = lambda: False

    def has(self, index: int) -> bool:
        """Whether a job is in it."""
        return index % self.num == self.rank


WHOLE = Share()


def draw_all(
    pipeline: Pipeline,
    plan: Plan,
    observer: Observer,
    store: Store,
    on_progress: OnProgress,
    share: Share = WHOLE,
) -> Drawn:
    """Draw and look at everything that the store does not hold yet.

    Raises:
        EvaluationInterrupted: Ctrl-C.
    """
    jobs = list(_all_jobs(pipeline, plan, observer))
    found: dict[str, Observations] = {}
    done, num = 0, sum(job.num for job in jobs)
    drawing = False
    on_progress(0, num, "")
    # Its own share first: meanwhile the others draw theirs.
    for own in (True, False):
        for job in (job for index, job in enumerate(jobs) if share.has(index) is own):
            try:
                batch = store.load(job.name)
                while batch is None and not own and share.others_work():
                    batch = store.load(job.name)
                if batch is None:
                    if not drawing:  # so that batches of an earlier run do not count as fast work
                        drawing = True
                        on_progress(done, num, job.note)
                    batch = job.draw()
                    store.save(job.name, batch)
            except KeyboardInterrupt:
                raise EvaluationInterrupted(done, num) from None
            found[job.name] = batch
            done += job.num
            if drawing:
                on_progress(done, num, job.note)
    batches: dict[str, list[Observations]] = {}
    for job in jobs:
        batches.setdefault(job.source, []).append(found[job.name])
    joined = {source: Observations.join(parts) for source, parts in batches.items()}
    return Drawn(
        variants=tuple(joined[_variant(index)] for index in range(len(plan.variants))),
        reference=joined[_REFERENCE],
        random=joined[_RANDOM],
        drawings=joined.get(_DRAWINGS),
    )


def draw_share(
    pipeline: Pipeline, plan: Plan, observer: Observer, store: Store, share: Share
) -> None:
    """Draw what the store does not hold yet of a share."""
    for index, job in enumerate(_all_jobs(pipeline, plan, observer)):
        if share.has(index) and store.load(job.name) is None:
            store.save(job.name, job.draw())


@dataclass(frozen=True)
class _Job:
    """One batch to draw.

    Args:
        source: what it is a part of: a variant, or the name of a comparison.
        first, num: its first picture within the source, and how many there are.
        note: for progress.
    """

    source: str
    first: int
    num: int
    note: str
    draw: Callable[[], Observations]

    @property
    def name(self) -> str:
        """What the batch is called in the store."""
        return f"{self.source}-{self.first:06}"


def _all_jobs(pipeline: Pipeline, plan: Plan, observer: Observer) -> Iterator[_Job]:
    # Prompts first: what the prior or the pipeline refuses is refused at once.
    yield from _prompt_jobs(pipeline, plan, observer)
    yield from _random_jobs(pipeline, plan, observer, _REFERENCE, REFERENCE_SEED)
    yield from _random_jobs(pipeline, plan, observer, _RANDOM, RANDOM_SEED)
    if isinstance(observer.judge, CalibratedJudge):
        device = pipeline.generator.device
        yield from _drawing_jobs(plan.questions, observer, observer.judge, device)


def _variant(index: int) -> str:
    return f"variant-{index}"


def _prompt_jobs(pipeline: Pipeline, plan: Plan, observer: Observer) -> Iterator[_Job]:
    for index, variant in enumerate(plan.variants):
        note = f"variant {index + 1} of {len(plan.variants)}" if len(plan.variants) > 1 else ""
        for batch in plan.batches(batch_size(pipeline)):
            draw = partial(draw_prompts, pipeline, batch, variant, observer)
            yield _Job(_variant(index), batch.first, batch.num, note, draw)


def _random_jobs(
    pipeline: Pipeline, plan: Plan, observer: Observer, source: str, seed: int
) -> Iterator[_Job]:
    size = batch_size(pipeline)
    for first in range(0, plan.num_reference, size):
        last = min(first + size, plan.num_reference)
        draw = partial(draw_random, pipeline, range(seed + first, seed + last), observer)
        yield _Job(source, first, last - first, source, draw)


def _drawing_jobs(
    questions: Sequence[Question], observer: Observer, judge: CalibratedJudge, device: torch.device
) -> Iterator[_Job]:
    for first in range(0, len(questions), _DRAWINGS_AT_ONCE):
        some = questions[first : first + _DRAWINGS_AT_ONCE]
        if judge.drawings(some) is None:
            return
        draw = partial(_observe_drawings, judge, some, observer, device)
        yield _Job(_DRAWINGS, first, len(some), _DRAWINGS, draw)


def _observe_drawings(
    judge: CalibratedJudge, questions: Sequence[Question], observer: Observer, device: torch.device
) -> Observations:
    images = judge.drawings(questions)
    assert images is not None, "it had drawings of these questions before"
    return observer.observe(images.to(device), Clock(device))
