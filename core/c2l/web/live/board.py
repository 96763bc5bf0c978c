"""The values that a live picture shows: changed by messages, read by whoever draws."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

from c2l.errors import BadInput, C2LError
from c2l.service import LiveValues

ROOT = "/c2l/"
NUMBERS = ("seed", "guidance", "adherence", "truncation", "glide", "walk")
"""Addresses that take one number each."""

_QUOTED = re.compile(r"`(?:\w+=)?([^`]*)`")


class Board:
    """The newest values, and how many messages changed them. Threads share it.

    Args:
        values: to begin with.
        say: called with what is wrong with a message, again and again if it comes again.
    """

    def __init__(self, values: LiveValues, say: Callable[[str], None]) -> None:
        self._values = values
        self._say = say
        self._number = 0
        self._closed = False
        self._changed = threading.Condition()

    def newest(self) -> tuple[LiveValues, int]:
        """The values, and the number of the message that changed them last."""
        with self._changed:
            return self._values, self._number

    def wait(self, number: int) -> None:
        """Wait for a message after this one, or for the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number or self._closed)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, address: str, arguments: Sequence[object]) -> None:
        """Take a message; one that cannot be used changes nothing, and is said."""
        try:
            with self._changed:
                self._values = _changed(self._values, address, arguments)
                self._number += 1
                self._changed.notify_all()
        except C2LError as error:
            self._say(f"{address}: " + _QUOTED.sub(r"\1", str(error)))


def _changed(values: LiveValues, address: str, arguments: Sequence[object]) -> LiveValues:
    """The values with what a message says."""
    name, slash, direction = address.removeprefix(ROOT).partition("/")
    if address.startswith(ROOT):
        if name == "direction" and slash:
            return values.turned(direction, _number(arguments))
        if name in NUMBERS and not slash:
            return values.changed(name, _number(arguments))
        if name == "prompt" and not slash:
            return values.changed(name, _prompt(arguments))
        if name == "class" and not slash:
            return values.changed("class_label", _class(arguments))
    known = [ROOT + name for name in ("prompt", "class", *NUMBERS)]
    known += [f"{ROOT}direction/{name}" for name in values.directions]
    raise BadInput("nothing listens to this address", hint=f"Send to {', '.join(known)}")


def _number(arguments: Sequence[object]) -> float | int:
    match arguments:
        case [int() | float() as number] if not isinstance(number, bool):
            return number
    raise BadInput(f"one number is wanted, not {_told(arguments)}")


def _class(arguments: Sequence[object]) -> str | int | None:
    """A number, also from a fader, or a name in one or more words; None for no words."""
    match arguments:
        case [bool()]:
            pass  # Python's are whole numbers too
        case [int() | float() as number] if float(number).is_integer():
            return int(number)
    if not all(isinstance(argument, str) for argument in arguments):
        raise BadInput(f"the name or number of a class is wanted, not {_told(arguments)}")
    return " ".join(map(str, arguments)).strip() or None


def _prompt(arguments: Sequence[object]) -> dict[str, float] | None:
    """Words, each text followed by its weight if there are several; None for no words.

    Max and Pure Data send a text without quotes as many words. A fader at 0 leaves its text out.
    """
    texts: dict[str, float] = {}
    words: list[str] = []
    for argument in arguments:
        if isinstance(argument, str):
            words.append(argument)
        elif isinstance(argument, (int, float)) and not isinstance(argument, bool) and words:
            texts[" ".join(words)] = argument
            words = []
        else:
            raise BadInput(
                f"a text is wanted, or texts followed by weights, not {_told(arguments)}"
            )
    if words and not texts:
        return {text: 1.0} if (text := " ".join(words).strip()) else None
    if words:
        raise BadInput(f"the last text has no weight: {_told(arguments)}")
    if texts and not any(texts.values()):
        raise BadInput("all weights are 0")
    return {text: weight for text, weight in texts.items() if weight} or None


def _told(arguments: Sequence[object]) -> str:
    return ", ".join(map(repr, arguments)) or "nothing"
