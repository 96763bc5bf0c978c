"""The jobs of a server: those that run, and the results of those that ended not long ago."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from c2l.service import VideoFormat
from c2l.web.engine import Full
from c2l.web.engine.engine import OnProgress, Progress

State = Literal["queued", "running", "done", "failed", "cancelled"]

MOST_JOBS = 64
MOST_BYTES = 256 << 20
"""Of all results together."""

KEPT_SECONDS = 600.0


@dataclass(frozen=True)
class Result:
    """What came of a job: a file, or the JSON that its route would have answered.

    Args:
        format: of a video; None for JSON.
    """

    data: bytes
    format: VideoFormat | None = None


Doing = Callable[[OnProgress], Awaitable[Result]]


@dataclass(eq=False)
class Job:
    """Something that is being done.

    Args:
        kind: as of its route.
        error: the error object, if it failed.
    """

    kind: str
    id: str = field(default_factory=lambda: f"job_{secrets.token_urlsafe(16)}")
    created: float = field(default_factory=time.time)
    state: State = "queued"
    done: int = 0
    total: int = 0
    result: Result | None = None
    error: Exception | None = None
    ended: float | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.ended is not None

    def start(self, doing: Doing) -> None:
        """Begin, in the background."""
        self._task = asyncio.create_task(self._run(doing))

    def cancel(self) -> None:
        """Stop it, unless it has ended."""
        if self._task is not None and not self.has_ended:
            self._task.cancel()
            self._end("cancelled")

    async def changes(self) -> AsyncIterator[None]:
        """Once at the beginning, and after every change until the job has ended."""
        while True:
            changed = self._changed
            yield
            if self.has_ended:
                return
            await changed.wait()

    async def _run(self, doing: Doing) -> None:
        try:
            self.result = await doing(self._report)
            self._end("done")
        except asyncio.CancelledError:
            self._end("cancelled")
        except Exception as error:
            self.error = error
            self._end("failed")

    def _report(self, progress: Progress) -> None:
        if not self.has_ended:
            self.state, self.done, self.total = "running", progress.done, progress.total
            self._tell()

    def _end(self, state: State) -> None:
        if not self.has_ended:
            self.state, self.ended = state, time.monotonic()
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class JobStore:
    """Jobs by their ids. Ids cannot be guessed: who knows one may see and cancel its job."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def add(self, kind: str, doing: Doing) -> Job:
        """Begin a job.

        Raises:
            Full: as many jobs as there may be are not done yet.
        """
        self._forget_old()
        if sum(not job.has_ended for job in self._jobs.values()) >= MOST_JOBS:
            raise Full("as many jobs run as this server takes on", retry_after=10)
        job = Job(kind)
        self._jobs[job.id] = job
        job.start(doing)
        return job

    def find(self, id: str) -> Job | None:
        """The job of an id; None if there is none, or none any more."""
        self._forget_old()
        return self._jobs.get(id)

    def forget(self, job: Job) -> None:
        """Drop a job and its result."""
        self._jobs.pop(job.id, None)

    def _forget_old(self) -> None:
        ended = [job for job in self._jobs.values() if job.has_ended]
        ended.sort(key=lambda job: job.ended or 0.0)
        size = sum(len(job.result.data) for job in ended if job.result is not None)
        for job in ended:
            too_old = time.monotonic() - (job.ended or 0.0) > KEPT_SECONDS
            if not (too_old or size > MOST_BYTES or len(self._jobs) >= 2 * MOST_JOBS):
                break
            size -= len(job.result.data) if job.result is not None else 0
            self.forget(job)
