"""A replica: a process of Ray that draws as a server of its own would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from c2l.errors import C2LError
from c2l.web.engine.engine import Answer, Progress
from c2l.web.engine.local import LocalEngine
from c2l.web.engine.refusals import Refused
from c2l.web.engine.work import Work
from c2l.web.offer import Offer
from c2l.web.settings import Settings

Sent = Progress | Answer | Refused | C2LError
"""What comes back of a work: how far it is, and in the end its answer, or why there is none."""


class Replica:
    """Carries out works one batch after the other, with models of its own.

    Ray Serve makes it, and calls ``check_health`` now and then.
    """

    async def __init__(self, offer: Offer, settings: Settings) -> None:  # type: ignore[misc]
        self._engine = LocalEngine(offer, settings)
        await self._engine.start()

    async def do(self, work: Work, who: str, wants_progress: bool) -> AsyncIterator[Sent]:
        """Carry out a work. An error is sent as it is: raised, Ray would wrap it."""
        so_far: asyncio.Queue[Progress | None] = asyncio.Queue()
        task = asyncio.ensure_future(
            self._engine.do(
                work, who=who, on_progress=so_far.put_nowait if wants_progress else None
            )
        )
        task.add_done_callback(lambda task: so_far.put_nowait(None))
        try:
            while (at := await so_far.get()) is not None:
                yield at
            yield await task
        except (Refused, C2LError) as error:
            yield error
        finally:
            task.cancel()  # whoever asked has left

    async def give_back(self) -> None:
        """Drop all recipes from memory."""
        await self._engine.give_back()

    def check_health(self) -> None:
        """Raises if nothing is drawn here any more; Ray Serve then starts another replica."""
        if not self._engine.status().ready:
            raise RuntimeError("the worker has ended")
