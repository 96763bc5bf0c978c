"""The engine of one machine: one worker thread owns the models, and takes from a fair queue."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from time import monotonic

from c2l.service import Session
from c2l.web.engine.engine import Answer, OnProgress, Progress, Status
from c2l.web.engine.queue import FairQueue, Turnstile
from c2l.web.engine.refusals import Draining, Full, TookTooLong
from c2l.web.engine.work import Bench, Dropped, Work
from c2l.web.engine.works import Describe
from c2l.web.offer import Offer
from c2l.web.settings import Settings

_SOON = 5
"""Seconds after which a server that stops may have a successor."""


class _Job:
    """A piece of a work, from the queue to its answer."""

    def __init__(self, who: str, work: Work, on_progress: Callable[[Progress], None]) -> None:
        self.who = who
        self.work = work
        self.weight = work.weight
        group = work.group
        self.group: Hashable | None = (
            None if group is None else (type(work), work.recipe, work.prior, group)
        )
        self.on_progress = on_progress
        self.answer: Future[Answer] = Future()
        self._dropped = threading.Event()

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self._dropped.set()

    def is_dropped(self) -> bool:
        return self._dropped.is_set()


class LocalEngine:
    """Draws in this process; see ``Engine`` for what it does.

    Args:
        offer: the recipes that clients may name.
    """

    def __init__(self, offer: Offer, settings: Settings) -> None:
        limits = settings.limits
        self._offer = offer
        self._settings = settings
        self._limits = limits
        self._session = Session(most_loaded=limits.loaded)
        self._queue: FairQueue[_Job] = FairQueue(limits.waiting)
        self._turnstile = Turnstile(limits.per_client)
        self._thread = threading.Thread(target=self._work, name="c2l-worker", daemon=True)
        self._running: Sequence[_Job] = ()
        self._ready = False
        self._draining = False
        self._pace = 0.1  # seconds for one picture, as it was lately

    async def start(self) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        await self.do(Describe(), who="")
        self._ready = True

    async def do(self, work: Work, *, who: str, on_progress: OnProgress | None = None) -> Answer:
        if self._draining:
            raise self._stops()
        work = self._offer.checked(work)
        self._turnstile.enter(who)
        try:
            return await self._carried_out(work, who, on_progress)
        finally:
            self._turnstile.leave(who)

    async def _carried_out(self, work: Work, who: str, on_progress: OnProgress | None) -> Answer:
        loop = asyncio.get_running_loop()
        pieces = work.pieces(self._limits.batch)
        joined = _Joined(len(pieces), on_progress)
        jobs = []
        for number, piece in enumerate(pieces):

            def progress(at: Progress, number: int = number) -> None:
                loop.call_soon_threadsafe(joined.report, number, at)

            jobs.append(_Job(who, piece, progress if on_progress else lambda at: None))
        try:
            self._queue.put(jobs)
        except Full as error:
            error.retry_after = self._retry_after()
            raise
        waiting = [asyncio.wrap_future(job.answer) for job in jobs]
        try:
            async with asyncio.timeout(self._limits.seconds):
                answers = await asyncio.gather(*waiting)
        except TimeoutError:
            raise TookTooLong(
                f"it took longer than the {self._limits.seconds:g} s of one request"
            ) from None
        finally:
            for job in jobs:
                job.drop()
                self._queue.remove(job)
        return _join(answers)

    def begin_draining(self) -> None:
        self._draining = True
        for job in self._queue.close():
            job.answer.set_exception(self._stops())

    async def close(self) -> None:
        self.begin_draining()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        self._session.forget()

    async def give_back(self) -> None:
        self._session.forget()

    def status(self) -> Status:
        return Status(
            ready=self._ready and not self._draining and self._thread.is_alive(),
            draining=self._draining,
            waiting=len(self._queue),
            running=len(self._running),
            loaded=self._session.loaded,
        )

    def _stops(self) -> Draining:
        return Draining("the server stops", retry_after=_SOON)

    def _retry_after(self) -> int:
        return max(1, min(60, math.ceil(self._queue.weight * self._pace)))

    # What follows runs in the worker's thread.

    def _work(self) -> None:
        while jobs := self._queue.take(self._limits.batch):
            self._running = jobs
            start = monotonic()
            self._carry_out([job for job in jobs if job.answer.set_running_or_notify_cancel()])
            spent = (monotonic() - start) / sum(job.weight for job in jobs)
            self._pace += 0.2 * (spent - self._pace)
            self._running = ()

    def _carry_out(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        try:
            benches = list(map(self._bench, jobs))
            works = [job.work for job in jobs]
            if jobs[0].group is None:
                answers = [works[0].carry_out(benches[0])]
            else:
                answers = list(type(works[0]).carry_out_together(works, benches))
            for job, answer in zip(jobs, answers, strict=True):
                job.answer.set_result(answer)
        except Dropped:
            for job in jobs:
                job.answer.set_exception(asyncio.CancelledError())
        except BaseException as error:
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(error)

    def _bench(self, job: _Job) -> Bench:
        return Bench(
            self._session,
            recipe=job.work.recipe,
            prior=job.work.prior or None,
            device=self._settings.device,
            precision=self._settings.precision,
            on_progress=job.on_progress,
            is_dropped=job.is_dropped,
        )


class _Joined:
    """The progress of a work in pieces."""

    def __init__(self, num: int, on_progress: OnProgress | None) -> None:
        self._at = [Progress(0, 1) for _ in range(num)]
        self._on_progress = on_progress

    def report(self, number: int, at: Progress) -> None:
        self._at[number] = at
        done, total = sum(p.done for p in self._at), sum(p.total for p in self._at)
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, at.picture))


def _join(answers: Sequence[Answer]) -> Answer:
    if len(answers) == 1:
        return answers[0]
    return Answer(
        tuple(picture for answer in answers for picture in answer.pictures),
        tuple(dict.fromkeys(notice for answer in answers for notice in answer.notices)),
        {name: value for answer in answers for name, value in answer.values.items()},
    )
