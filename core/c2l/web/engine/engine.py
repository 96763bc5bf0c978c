"""What every engine offers, whether it draws here or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from c2l.service import Notice, PlainPicture
    from c2l.web.engine.work import Work


@dataclass(frozen=True)
class Answer:
    """What came of a work. Picklable.

    Args:
        pictures: in the order of the request.
        notices: what the client should know that is not an error.
        values: whatever else was asked for, JSON-able: embeddings, scores, descriptions.
        queued: milliseconds that it waited.
    """

    pictures: tuple[PlainPicture, ...] = ()
    notices: tuple[Notice, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    queued: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a work is. Picklable.

    Args:
        done, total: steps of the work: candidates, pictures, frames.
        picture: that was finished just now, if one was.
        note: in a few words, as in ``distance 0.1``.
    """

    done: int
    total: int
    picture: PlainPicture | None = None
    note: str = ""


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Status:
    """How an engine is at this moment.

    Args:
        ready: it draws, or would at once.
        draining: it stops, and takes nothing more.
        waiting: requests in the queue; ``running``: those that are carried out.
        loaded: recipes in memory.
        counts: what was done so far: a sentence and a number by name, for metrics.
    """

    ready: bool
    draining: bool
    waiting: int
    running: int
    loaded: Sequence[str] = ()
    counts: Mapping[str, tuple[str, float]] = field(default_factory=dict)


class Running(Protocol):
    """What a server knows of whatever it serves."""

    def begin_draining(self) -> None:
        """Refuse what waits and what comes; go on with what runs."""

    def status(self) -> Status:
        """How it is at this moment; cheap."""


class Engine(Running, Protocol):
    """Carries out works."""

    async def start(self) -> None:
        """Load the default recipe; works may come from now on."""

    async def do(self, work: Work, *, who: str, on_progress: OnProgress | None = None) -> Answer:
        """Carry out a work. Cancelling the task that awaits this drops it.

        A work that waits leaves the queue; one that runs stops at its next picture or candidate.

        Args:
            who: the client, for taking turns; see ``c2l.web.connection.who_is``.
            on_progress: called in the event loop.
        Raises:
            Refused: it is not carried out now; ``Full``, ``Busy``, ``Draining``, ``TookTooLong``.
            C2LError: something is wrong with the work.
        """

    async def close(self) -> None:
        """Wait for what runs, and give everything back."""

    async def give_back(self) -> None:
        """Drop all recipes from memory; they are loaded again when they are asked for."""
