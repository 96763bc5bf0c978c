"""The queue: bounded, fair, and batched as it is taken from."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from threading import Condition
from typing import Generic, Protocol, TypeVar

from c2l.web.engine.refusals import Busy, Full


class Waiting(Protocol):
    """What can wait."""

    @property
    def who(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def group(self) -> Hashable | None: ...


W = TypeVar("W", bound=Waiting)


class FairQueue(Generic[W]):
    """Clients take turns; what may be carried out together is taken together.

    Threads may share it.

    Args:
        most_waiting: weight of all that waits.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most = most_waiting
        self._clients: OrderedDict[str, deque[W]] = OrderedDict()  # whose turn is first comes first
        self._weight = 0
        self._closed = False
        self._changed = Condition()

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._clients.values()))

    @property
    def weight(self) -> int:
        """Of all that waits."""
        return self._weight

    @property
    def closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed

    def put(self, some: Iterable[W]) -> None:
        """Let works of one client wait.

        Raises:
            Full: they do not fit. Into an empty queue everything fits.
        """
        some = list(some)
        weight = sum(one.weight for one in some)
        with self._changed:
            if self._weight and self._weight + weight > self._most:
                raise Full("the server has as much to do as it takes on")
            for one in some:
                self._clients.setdefault(one.who, deque()).append(one)
            self._weight += weight
            self._changed.notify()

    def remove(self, one: W) -> bool:
        """Take one out again. Returns whether it was still there."""
        with self._changed:
            own = self._clients.get(one.who)
            if own is None or one not in own:
                return False
            own.remove(one)
            self._left(one)
            return True

    def take(self, most: int, timeout: float | None = None) -> list[W]:
        """Wait for works, and take those that are carried out next.

        The first is of the client whose turn it is. With it go works of its group, one of each
        client in turn, then a second one of each, and so on.

        Args:
            most: weight of all of them; a heavier one goes alone.
            timeout: seconds to wait; None for ever.
        Returns:
            Nothing after the timeout, and once the queue is closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._clients or self._closed, timeout)
            if not self._clients:
                return []
            who = next(iter(self._clients))
            first = self._clients[who].popleft()
            self._had_its_turn(who)
            self._left(first)
            return [first, *self._companions(first, most - first.weight)]

    def _companions(self, first: W, room: int) -> list[W]:
        taken: list[W] = []
        if first.group is None:
            return taken
        found = True
        while found and room > 0:
            found = False
            for who in list(self._clients):
                one = next((o for o in self._clients[who] if o.group == first.group), None)
                if one is None or one.weight > room:
                    continue
                self._clients[who].remove(one)
                self._had_its_turn(who)
                self._left(one)
                taken.append(one)
                room -= one.weight
                found = True
        return taken

    def close(self) -> list[W]:
        """Wake up who waits for works. Returns what was still there."""
        with self._changed:
            rest = [one for own in self._clients.values() for one in own]
            self._clients.clear()
            self._weight = 0
            self._closed = True
            self._changed.notify_all()
            return rest

    def _had_its_turn(self, who: str) -> None:
        self._clients.move_to_end(who)

    def _left(self, one: W) -> None:
        self._weight -= one.weight
        if not self._clients[one.who]:
            del self._clients[one.who]


class Turnstile:
    """Counts the requests of each client.

    Args:
        most: of one client at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def enter(self, who: str) -> None:
        """Count one more. Raises ``Busy`` if these are too many."""
        if self._counts.get(who, 0) >= self._most:
            raise Busy(f"more than {self._most} requests at once of one client", retry_after=1)
        self._counts[who] = self._counts.get(who, 0) + 1

    def leave(self, who: str) -> None:
        """Count one less."""
        self._counts[who] -= 1
        if not self._counts[who]:
            del self._counts[who]
