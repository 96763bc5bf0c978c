"""What is drawn for clients of these routes at the moment: they ask how far it is, and stop it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from c2l.service import PlainPicture
from c2l.web.engine import Answer, Progress

Do = Callable[[Callable[[Progress], None]], Coroutine[Any, Any, Answer]]


class Running:
    """One request.

    Args:
        who: asked for it.
        total: pictures.
    """

    def __init__(self, who: str, total: int) -> None:
        self.who = who
        self.total = total
        self.pictures: list[PlainPicture] = []
        self.interrupted = False
        self._task: asyncio.Future[Answer] | None = None

    async def answer(self, do: Do) -> Answer:
        """What comes of it; of an interrupted one, the pictures that were finished."""
        self._task = asyncio.ensure_future(do(self._report))
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
            return Answer(tuple(self.pictures))

    def interrupt(self) -> None:
        """Stop it."""
        self.interrupted = True
        if self._task is not None:
            self._task.cancel()

    def _report(self, progress: Progress) -> None:
        if progress.picture is not None:
            self.pictures.append(progress.picture)


class AllRunning:
    """The requests of all clients; each sees its own."""

    def __init__(self) -> None:
        self._running: list[Running] = []

    async def answer(self, running: Running, do: Do) -> Answer:
        """As in ``Running``."""
        self._running.append(running)
        try:
            return await running.answer(do)
        finally:
            self._running.remove(running)

    def of(self, who: str) -> list[Running]:
        """Those of one client."""
        return [running for running in self._running if running.who == who]
