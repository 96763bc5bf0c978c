"""Why an engine does not carry out a work that is right in itself."""

from __future__ import annotations


class Refused(Exception):
    """A work that is not carried out now, though nothing is wrong with it.

    Args:
        message: what a client is told.
        retry_after: seconds after which it may try again; None if that is of no use.
    """

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:  # so that it comes back from another process
        return _again, (type(self), self.message, self.retry_after)


class Full(Refused):
    """Too much waits already."""


class Busy(Refused):
    """This client has too many requests at once."""


class Draining(Refused):
    """The server stops."""


class TookTooLong(Refused):
    """The time of one request is over."""


class Lost(Refused):
    """Whatever carried it out has ended, and so did others."""


def _again(cls: type[Refused], message: str, retry_after: int | None) -> Refused:
    return cls(message, retry_after=retry_after)
