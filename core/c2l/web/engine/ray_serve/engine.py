"""The engine that hands works to replicas, and keeps the promises of a server."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from c2l.errors import C2LError
from c2l.web.engine.engine import Answer, OnProgress, Progress, Status
from c2l.web.engine.queue import Turnstile
from c2l.web.engine.ray_serve import cluster
from c2l.web.engine.refusals import Draining, Full, Lost, Refused, TookTooLong
from c2l.web.engine.work import Work
from c2l.web.offer import Offer
from c2l.web.settings import Settings

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

log = logging.getLogger("c2l.web")

_TRIES = 3
"""For one work: a picture is decided by its request, so it may be drawn again elsewhere."""

_BETWEEN = 1.0
"""Seconds between two tries, and between two looks at the replicas."""

_SOON = 5
"""Seconds after which a replica may have a successor."""


class RayEngine:
    """Draws in replicas; see ``Engine`` for what it does. Each of them batches what comes to it.

    A replica that dies takes no work with it: the work is given to another one, and after several
    of them the client is told to come again.

    Args:
        offer: the recipes that clients may name.
        settings: with ``replicas``.
    """

    def __init__(self, offer: Offer, settings: Settings) -> None:
        self._offer = offer
        self._settings = settings
        self._limits = settings.limits
        self._turnstile = Turnstile(self._limits.per_client)
        self._handle: DeploymentHandle[Any] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._num_replicas = 0
        self._running = 0
        self._repeated = 0
        self._refused = 0
        self._draining = False

    async def start(self) -> None:
        try:
            # Both wait for processes that start; the loop goes on meanwhile.
            await asyncio.to_thread(cluster.start_ray, self._settings)
            self._handle = await asyncio.to_thread(cluster.deploy, self._offer, self._settings)
        except Exception as error:
            raise C2LError(
                f"Ray does not start: {str(error).rstrip('.')}",
                hint="Ray keeps its logs in the folder of its last session, session_latest",
            ) from error
        _take_signals_back()
        await self._count()
        self._looking = asyncio.ensure_future(self._look())

    async def do(self, work: Work, *, who: str, on_progress: OnProgress | None = None) -> Answer:
        if self._draining:
            raise self._stops()
        work = self._offer.checked(work)
        work.check(self._limits)
        self._turnstile.enter(who)
        self._running += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._by_any_replica(work, who, on_progress)
        except TimeoutError:
            raise TookTooLong(
                f"it took longer than the {self._limits.seconds:g} s that one request has"
            ) from None
        except Full:
            self._refused += 1
            raise
        finally:
            self._running -= 1
            self._turnstile.leave(who)

    async def _by_any_replica(self, work: Work, who: str, on_progress: OnProgress | None) -> Answer:
        from ray.exceptions import RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        for last in range(1, _TRIES + 1):
            try:
                return await self._by_one_replica(work, who, on_progress)
            except BackPressureError:
                raise Full("the server has as much to do as it takes on", retry_after=1) from None
            except (RayError, RayServeException) as error:
                if isinstance(cause := getattr(error, "cause", None), Exception):
                    raise cause from None  # a defect, and no replica's end
                if last < _TRIES:
                    self._repeated += 1
                    await asyncio.sleep(_BETWEEN)
        raise Lost("what was to draw this has ended, several times", retry_after=_SOON)

    async def _by_one_replica(self, work: Work, who: str, on_progress: OnProgress | None) -> Answer:
        assert self._handle is not None
        coming = self._handle.options(stream=True).do.remote(work, who, on_progress is not None)
        try:
            async for sent in coming:
                if isinstance(sent, (Refused, C2LError)):
                    raise sent
                if isinstance(sent, Answer):
                    return sent
                assert isinstance(sent, Progress) and on_progress is not None
                on_progress(sent)
        finally:
            coming.cancel()  # which does nothing to a work that is done
        raise Lost("a replica ended without an answer", retry_after=_SOON)

    def begin_draining(self) -> None:
        self._draining = True

    async def close(self) -> None:
        self.begin_draining()
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.to_thread(cluster.stop_ray)

    async def give_back(self) -> None:
        if self._handle is not None:
            await self._handle.broadcast("give_back").results_async()

    def status(self) -> Status:
        return Status(
            ready=self._num_replicas > 0 and not self._draining,
            draining=self._draining,
            waiting=0,  # in the replicas, where they count as running here
            running=self._running,
            loaded=(self._offer.default,) if self._num_replicas else (),
            counts={
                "repeated": ("Works given to another replica.", self._repeated),
                "refused": ("Requests refused: full.", self._refused),
            },
        )

    async def _look(self) -> None:
        """Look at intervals how many replicas draw."""
        while True:
            await asyncio.sleep(_BETWEEN)
            with suppress(Exception):  # Ray's controller starts anew by itself
                await self._count()

    async def _count(self) -> None:
        num = await asyncio.to_thread(cluster.num_running)
        if num != self._num_replicas:
            log.info("%d replicas draw", num)
        self._num_replicas = num

    def _stops(self) -> Draining:
        return Draining("the server stops", retry_after=_SOON)


def _take_signals_back() -> None:
    """Ray puts a handler below Python's own, which prints a trace of the stack at SIGTERM."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.getsignal(number))
