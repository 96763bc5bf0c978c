"""A piece of a work, on its way from the queue to its answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace
from threading import Event
from time import perf_counter

from c2l.web.engine.engine import Answer, Progress
from c2l.web.engine.work import Work


class Job:
    """What waits in the queue.

    Args:
        who: the client.
        on_progress: called in the worker's thread.
    """

    def __init__(self, who: str, work: Work, on_progress: Callable[[Progress], None]) -> None:
        self.who = who
        self.work = work
        self.weight = work.weight
        self.group: Hashable | None = None
        if work.group is not None:
            self.group = type(work), work.recipe, work.prior, work.group
        self.on_progress = on_progress
        self.answer: Future[Answer] = Future()
        self._dropped = Event()
        self._made = perf_counter()
        self._queued = 0.0

    def begin(self) -> bool:
        """It leaves the queue. Returns whether anybody waits for it."""
        self._queued = (perf_counter() - self._made) * 1000
        return not self.is_dropped() and self.answer.set_running_or_notify_cancel()

    def finish(self, answer: Answer) -> None:
        """Give its answer to who waits for it."""
        with suppress(InvalidStateError):  # nobody does
            self.answer.set_result(replace(answer, queued=self._queued))

    def fail(self, error: BaseException) -> None:
        """Give an error in place of an answer."""
        with suppress(InvalidStateError):
            self.answer.set_exception(error)

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self._dropped.set()

    def is_dropped(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._dropped.is_set()
