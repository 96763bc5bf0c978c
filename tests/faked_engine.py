"""An engine whose works need no models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from c2l.web.engine import Answer, Bench, LocalEngine, Work
from c2l.web.offer import Offer, Offered
from c2l.web.settings import Limits, Settings

OFFER = Offer({name: Offered(name, "", {}, (), {}) for name in ("first", "second")})


class NoSession:
    """In place of a session: every recipe is there."""

    def __init__(self, most_loaded: int = 2) -> None:
        self.forgotten = 0
        self.loaded: tuple[str, ...] = ()
        self.tell: Callable[[Any], None] = lambda notice: None

    def telling(self, tell: Any) -> NoSession:
        return self

    def has(self, request: Any) -> bool:
        return True

    def forget(self) -> None:
        self.forgotten += 1


@dataclass(frozen=True)
class Chore(Work):
    """Notes that it was carried out, with which others.

    Args:
        gate: it waits for it, at every step.
        error: raises it.
    """

    name: str = ""
    kind: str | None = None
    pictures: int = 1
    gate: threading.Event | None = None
    error: Exception | None = None
    seen: list[tuple[str, ...]] = field(default_factory=list)
    running: threading.Event = field(default_factory=threading.Event)

    @property
    def weight(self) -> int:
        return self.pictures

    @property
    def group(self) -> Hashable | None:
        return self.kind

    def carry_out(self, bench: Bench) -> Answer:
        return next(iter(type(self).carry_out_together([self], [bench])))

    @classmethod
    def carry_out_together(
        cls, works: Sequence[Chore], benches: Sequence[Bench]
    ) -> Iterator[Answer]:
        works[0].seen.append(tuple(work.name for work in works))
        for work, bench in zip(works, benches, strict=True):
            work.running.set()
            while work.gate is not None and not work.gate.wait(0.01):
                bench.report(0, 1)
            if work.error is not None:
                raise work.error
            yield bench.answer(name=work.name)


def engine_with(monkeypatch: Any, **limits: Any) -> LocalEngine:
    """An engine for chores."""
    monkeypatch.setattr("c2l.web.engine.local.Session", NoSession)
    return LocalEngine(OFFER, Settings(limits=Limits(**limits)))
