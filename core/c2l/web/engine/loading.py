"""Recipes brought into memory while the worker draws with others."""

from __future__ import annotations

import asyncio

from c2l.service import Session
from c2l.web.engine.settled import settle
from c2l.web.engine.work import Bench
from c2l.web.settings import Settings


class Loading:
    """Loads each recipe once, however many wait for it; one after the other.

    Args:
        session: owns the pipelines.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._begun: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def at_hand(self, recipe: str, prior: str = "") -> None:
        """Wait until a recipe is in memory.

        Raises:
            As ``Session.pipeline``.
        """
        bench = Bench(
            self._session,
            recipe=recipe,
            prior=prior or None,
            device=self._settings.device,
            precision=self._settings.precision,
        )
        if bench.is_loaded:
            return
        key = recipe, prior
        if key not in self._begun:
            load = asyncio.ensure_future(asyncio.to_thread(_load, bench))
            load.add_done_callback(lambda task: self._begun.pop(key))
            self._begun[key] = load
        await asyncio.shield(self._begun[key])  # others wait for it as well


def _load(bench: Bench) -> None:
    bench.load()
    settle()
