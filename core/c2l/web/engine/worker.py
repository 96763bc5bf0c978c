"""The one thread that draws: it takes from the queue what can be drawn together."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from time import perf_counter

from c2l.service import Session, leaving_a_core
from c2l.web.engine.job import Job
from c2l.web.engine.queue import FairQueue
from c2l.web.engine.settled import unsettle
from c2l.web.engine.work import Bench, Dropped
from c2l.web.settings import Settings

_MANY = 8
"""Pictures that are drawn faster by all cores, though some of them also have to answer clients."""

_FIRST_PACE = 0.1
_MEMORY = 0.2
"""How much the last batch counts in the pace."""


class Worker:
    """Carries out jobs until the queue is closed.

    Args:
        session: owns the pipelines.
        queue: what it takes from.
    """

    def __init__(self, session: Session, queue: FairQueue[Job], settings: Settings) -> None:
        self._session = session
        self._queue = queue
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="c2l-worker", daemon=True)
        self.pace = _FIRST_PACE
        """Seconds for one picture, as it was lately."""
        self.num_running = 0
        """Jobs that are carried out at this moment."""
        self._batches = self._pictures = self._dropped = self._busy = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the last job; the queue has to be closed."""
        if self._thread.is_alive():
            self._thread.join()

    def is_alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def counts(self) -> Mapping[str, tuple[str, float]]:
        """What it did so far, for metrics: a sentence and a number by name."""
        return {
            "pictures": ("Pictures and candidates drawn.", self._pictures),
            "batches": ("Batches they were drawn in.", self._batches),
            "dropped": ("Requests whose client left before they were answered.", self._dropped),
            "busy_seconds": ("Seconds the worker drew.", self._busy),
        }

    def _run(self) -> None:
        limits = self._settings.limits
        while not self._queue.closed:
            taken = self._queue.take(limits.batch, limits.idle_seconds or None)
            jobs = [job for job in taken if job.begin()]
            self._dropped += len(taken) - len(jobs)
            if jobs:
                self._batch(jobs)
            elif not taken and not self._queue.closed:
                unsettle()
                self._session.forget()  # idle for so long

    def _batch(self, jobs: Sequence[Job]) -> None:
        start = perf_counter()
        self.num_running = len(jobs)
        weight = sum(job.weight for job in jobs)
        with leaving_a_core() if weight < _MANY else nullcontext():
            self._carry_out(jobs)
        self.num_running = 0
        spent = perf_counter() - start
        self.pace += _MEMORY * (spent / weight - self.pace)
        self._batches += 1
        self._pictures += weight
        self._busy += spent
        self._dropped += sum(job.is_dropped() for job in jobs)

    def _carry_out(self, jobs: Sequence[Job]) -> None:
        try:
            first, works = jobs[0].work, [job.work for job in jobs]
            benches = list(map(self._bench, jobs))
            if jobs[0].group is None:
                answers = [first.carry_out(benches[0])]
            else:
                answers = list(type(first).carry_out_together(works, benches))
            for job, answer in zip(jobs, answers, strict=True):
                job.finish(answer)
        except Dropped as error:
            for job in jobs:
                job.fail(error)
        except BaseException as error:  # the thread has to survive whatever a part does
            if len(jobs) == 1:
                jobs[0].fail(error)
                return
            for job in jobs:  # which of them it was is seen one by one
                if not job.is_dropped():
                    self._carry_out([job])

    def _bench(self, job: Job) -> Bench:
        return Bench(
            self._session,
            recipe=job.work.recipe,
            prior=job.work.prior or None,
            device=self._settings.device,
            precision=self._settings.precision,
            on_progress=job.on_progress,
            is_dropped=job.is_dropped,
        )
