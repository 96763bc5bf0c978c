"""The engine of one machine: one worker thread owns the models, and takes from a fair queue."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from c2l.service import Session
from c2l.web.engine.engine import Answer, OnProgress, Progress, Status
from c2l.web.engine.job import Job
from c2l.web.engine.loading import Loading
from c2l.web.engine.queue import FairQueue, Turnstile
from c2l.web.engine.refusals import Draining, Full, TookTooLong
from c2l.web.engine.work import Work
from c2l.web.engine.worker import Worker
from c2l.web.offer import Offer
from c2l.web.settings import Settings

_SOON = 5
"""Seconds after which a server that stops may have a successor."""

_LONGEST_WAIT = 60
"""Seconds that a client is asked to wait at most."""


class LocalEngine:
    """Draws in this process; see ``Engine`` for what it does.

    Args:
        offer: the recipes that clients may name.
    """

    def __init__(self, offer: Offer, settings: Settings) -> None:
        self._offer = offer
        self._limits = settings.limits
        self._session = Session(most_loaded=self._limits.loaded)
        self._queue: FairQueue[Job] = FairQueue(self._limits.waiting)
        self._turnstile = Turnstile(self._limits.per_client)
        self._loading = Loading(self._session, settings)
        self._worker = Worker(self._session, self._queue, settings)
        self._ready = False
        self._draining = False
        self._refused = 0

    async def start(self) -> None:
        self._worker.start()
        await self._loading.at_hand(self._offer.default)
        self._ready = True

    async def do(self, work: Work, *, who: str, on_progress: OnProgress | None = None) -> Answer:
        if self._draining:
            raise self._stops()
        work = self._offer.checked(work)
        work.check(self._limits)
        self._turnstile.enter(who)
        try:
            async with asyncio.timeout(self._limits.seconds):
                # The worker draws what is loaded while a thread of its own loads what is not.
                await self._loading.at_hand(work.recipe, work.prior)
                return await self._carried_out(work, who, on_progress)
        except TimeoutError:
            raise TookTooLong(
                f"it took longer than the {self._limits.seconds:g} s that one request has"
            ) from None
        finally:
            self._turnstile.leave(who)

    async def _carried_out(self, work: Work, who: str, on_progress: OnProgress | None) -> Answer:
        loop = asyncio.get_running_loop()
        pieces = work.pieces(self._limits.batch)
        joined = _Joined(pieces, on_progress)

        def telling(number: int) -> OnProgress:
            def tell(at: Progress) -> None:
                loop.call_soon_threadsafe(joined.report, number, at)

            return tell

        silent: OnProgress = lambda at: None  # noqa: E731
        jobs = [
            Job(who, piece, telling(number) if on_progress else silent)
            for number, piece in enumerate(pieces)
        ]
        waiting = [asyncio.wrap_future(job.answer) for job in jobs]
        try:
            self._queue.put(jobs)
            return _join(await asyncio.gather(*waiting))
        except Full as error:
            self._refused += 1
            error.retry_after = self._retry_after()
            raise
        finally:
            for job in jobs:
                job.drop()
                self._queue.remove(job)

    def begin_draining(self) -> None:
        self._draining = True
        for job in self._queue.close():
            job.fail(self._stops())

    async def close(self) -> None:
        self.begin_draining()
        await asyncio.to_thread(self._worker.join)
        self._session.forget()

    async def give_back(self) -> None:
        await asyncio.to_thread(self._session.forget)

    def status(self) -> Status:
        counts = {**self._worker.counts(), "refused": ("Requests refused: full.", self._refused)}
        return Status(
            ready=self._ready and not self._draining and self._worker.is_alive(),
            draining=self._draining,
            waiting=len(self._queue),
            running=self._worker.num_running,
            loaded=self._session.loaded,
            counts=counts,
        )

    def _stops(self) -> Draining:
        return Draining("the server stops", retry_after=_SOON)

    def _retry_after(self) -> int:
        needed = math.ceil(self._queue.weight * self._worker.pace)
        return max(1, min(_LONGEST_WAIT, needed))


class _Joined:
    """The progress of a work in pieces."""

    def __init__(self, pieces: Sequence[Work], on_progress: OnProgress | None) -> None:
        self._at = [Progress(0, piece.weight) for piece in pieces]
        self._on_progress = on_progress

    def report(self, number: int, at: Progress) -> None:
        self._at[number] = at
        done, total = sum(p.done for p in self._at), sum(p.total for p in self._at)
        if self._on_progress is not None:
            self._on_progress(Progress(done, total, at.picture, at.note))


def _join(answers: Sequence[Answer]) -> Answer:
    if len(answers) == 1:
        return answers[0]
    return Answer(
        tuple(picture for answer in answers for picture in answer.pictures),
        tuple(dict.fromkeys(notice for answer in answers for notice in answer.notices)),
        {name: value for answer in answers for name, value in answer.values.items()},
        queued=max(answer.queued for answer in answers),
    )
