"""Ranks that hang without dying are found by those who wait for them, and named.

Each rank says once a second in the store which step it is at and what it does there. Who waits for
too long looks at what all have said: whoever is silent, or still computes its part, is named, and
this process ends, so that the launcher starts all of them again.
"""

from __future__ import annotations

import enum
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from c2l.errors import BadInput, ExitCode
from c2l.ranks.member import Member
from c2l.ranks.stores import Store

TIMEOUT = "C2L_RANK_TIMEOUT"
"""Seconds that a rank may take between two exchanges before it counts as hanging."""
_USUAL_TIMEOUT = 300.0
_BETWEEN = 1.0


class State(enum.Enum):
    """What a rank does."""

    ALONE = "alone"
    """What takes as long as it takes: reading, or what one does for all."""
    COMPUTES = "computes"
    """Its part of a step, which is soon done."""
    WAITS = "waits"
    """For others."""


@dataclass(frozen=True)
class Beat:
    """What a rank last said of itself.

    Args:
        who: it, and its machine.
        count: how often it has said something.
        step: where it is.
        state: what it does there.
    """

    who: str
    count: int
    step: int
    state: State

    def to_text(self) -> str:
        return f"{self.count} {self.step} {self.state.value} {self.who}"

    @classmethod
    def from_text(cls, text: str) -> Beat:
        count, step, state, who = text.split(" ", 3)
        return cls(who, int(count), int(step), State(state))


@dataclass
class Heard:
    """What is known of one rank.

    Args:
        beat: the last one.
        at: when it came.
        moved: when the step or the state was last another.
    """

    beat: Beat
    at: float
    moved: float

    def hear(self, beat: Beat, now: float) -> None:
        if (beat.step, beat.state) != (self.beat.step, self.beat.state):
            self.moved = now
        if beat != self.beat:
            self.at = now
        self.beat = beat

    def hangs(self, now: float, seconds: float) -> bool:
        """Whether it is silent, or computes one step for too long."""
        stuck = self.beat.state is State.COMPUTES and now - self.moved >= seconds
        return stuck or now - self.at >= seconds


class Heartbeat:
    """Two threads beside a rank: one that talks to the store, one that looks at the clock.

    Args:
        member: of this rank.
        store: a connection of its own, since a connection serves one thread at a time.
    """

    def __init__(self, member: Member, store: Store) -> None:
        self.step = 0
        self.state = State.ALONE
        self._member, self._store = member, store
        self._seconds = timeout()
        self._waits_since: float | None = None
        self._last_talk = now = time.monotonic()
        # Whoever never says anything is silent from here on.
        self._heard = {
            rank: Heard(Beat(f"rank {rank}", 0, 0, State.ALONE), now, now)
            for rank in range(member.num)
        }
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True, name="c2l-heartbeat")
            for work in (self._talk, self._watch)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Say no more; whoever is gone is not waited for long."""
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=_BETWEEN)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, this rank waits for others."""
        before, self.state = self.state, State.WAITS
        self._waits_since = time.monotonic()
        try:
            yield
        finally:
            self.state, self._waits_since = before, None

    def _talk(self) -> None:
        count = 0
        try:
            while not self._ended.is_set():
                count += 1
                own = Beat(str(self._member), count, self.step, self.state)
                self._store.set(_key(self._member.rank), own.to_text())
                for rank in range(self._member.num):
                    if self._store.check([_key(rank)]):
                        self._hear(rank, self._store.get(_key(rank)).decode())
                self._last_talk = time.monotonic()
                self._ended.wait(_BETWEEN)
        except (RuntimeError, ValueError):
            return  # rank 0, which keeps the store, is gone: whoever exchanges something sees it

    def _hear(self, rank: int, text: str) -> None:
        self._heard[rank].hear(Beat.from_text(text), time.monotonic())

    def _watch(self) -> None:
        while not self._ended.wait(_BETWEEN):
            if self._member.launcher and os.getppid() != self._member.launcher:
                os._exit(ExitCode.RANK_LOST)  # nobody is left who would end this process
            since, now = self._waits_since, time.monotonic()
            if since is None or now - since < self._seconds:
                continue
            hanging = {r: h for r, h in self._heard.items() if h.hangs(now, self._seconds)}
            if now - self._last_talk >= self._seconds:
                hanging = {0: self._heard[0]}  # it keeps the store, and so nobody hears anybody
            if hanging:
                self._give_up(hanging)

    def _give_up(self, hanging: Mapping[int, Heard]) -> None:
        if self._member.rank == min(self._heard.keys() - hanging.keys(), default=-1):
            for heard in hanging.values():
                print(
                    f"error: {heard.beat.who} hangs, last heard of at step {heard.beat.step}: it "
                    f"has not moved for {self._seconds:.0f} s. Look at that machine; all end here, "
                    "and go on from the checkpoint when they are started again",
                    file=sys.stderr,
                    flush=True,
                )
        else:
            time.sleep(2 * _BETWEEN)  # until it is said
        os._exit(ExitCode.RANK_LOST)


def timeout() -> float:
    """Seconds after which a rank counts as hanging. Raises ``BadInput``."""
    text = os.environ.get(TIMEOUT, "") or str(_USUAL_TIMEOUT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds < float("inf"):
        raise BadInput(
            f"{TIMEOUT}={text} is not a number of seconds",
            hint=f"Use 1 or more, as in {TIMEOUT}=300",
        )
    return seconds


def _key(rank: int) -> str:
    return f"beat/{rank}"
