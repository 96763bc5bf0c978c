"""Pickles as inert data: a reader that imports nothing and calls nothing.

A pickle is a program for a small stack machine, and Python's own machine runs what it asks for.
This one knows the instructions that data needs. A class or function stays a ``Name``, a call of one
stays a ``Thing`` that says what it would have been, and names that the caller does not expect end
the reading.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LONGEST_TEXT = 1 << 16
LONGEST_LINE = 200
LARGEST_INT = 10
"""In bytes: the magic number of old checkpoints is the longest that occurs."""


class BadPickle(ValueError):
    """A pickle that is cut off, or that wants more than data.

    Args:
        wanted: what it would have imported, where that is the reason.
    """

    def __init__(self, message: str, wanted: Name | None = None) -> None:
        super().__init__(message)
        self.wanted = wanted


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Thing:
    """What a call in a pickle would have made: an object, with what was put into it."""

    cls: Name
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Persistent:
    """A reference to something that the pickle does not hold: a tensor's storage."""

    id: Any


_MARK = object()
_DICTS = {("collections", "OrderedDict"), ("collections", "defaultdict")}
_KEYS = (str, int, float, bool, type(None), Name)


def read_pickle(
    data: Any, start: int, *, expected: Callable[[Name], bool], most_instructions: int
) -> tuple[Any, int]:
    """Read one pickle of protocol 2 to 5.

    Args:
        data: bytes, or a memory map.
        start: where the pickle begins in it.
        expected: whether a name may occur.
        most_instructions: what is made takes up to about a hundred bytes for each.
    Returns:
        the value, and where in ``data`` the pickle ends.
    Raises:
        BadPickle: it is cut off, longer than allowed, or wants a name that is not expected.
    """
    machine = _Machine(data, start, expected)
    try:
        for _ in range(most_instructions):
            if machine.step():
                return machine.stack.pop(), machine.place
    except BadPickle:
        raise
    except (IndexError, KeyError, struct.error, TypeError, ValueError, AttributeError) as error:
        raise BadPickle(f"a pickle breaks off or is damaged at byte {machine.place}") from error
    raise BadPickle(f"a pickle has more than {most_instructions} instructions")


class _Machine:
    def __init__(self, data: Any, place: int, expected: Callable[[Name], bool]) -> None:
        self.data = data
        self.place = place
        self.expected = expected
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self) -> bool:
        """Carry out one instruction; True at the end."""
        code = self._take(1)
        if code == b".":
            return True
        action = _ACTIONS.get(code)
        if action is None:
            raise BadPickle(f"a pickle wants the instruction {code!r}, which data never needs")
        action(self)
        return False

    # -- reading

    def _take(self, num: int) -> bytes:
        taken = bytes(self.data[self.place : self.place + num])
        if len(taken) != num:
            raise BadPickle("a pickle breaks off")
        self.place += num
        return taken

    def number(self, form: str) -> Any:
        (value,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return value

    def text(self, form: str, encoding: str = "utf-8") -> str:
        num = self.number(form)
        if not 0 <= num <= LONGEST_TEXT:
            raise BadPickle(f"a pickle holds a text of {num} bytes")
        return self._take(num).decode(encoding)

    def line(self) -> str:
        end = self.data.find(b"\n", self.place, self.place + LONGEST_LINE)
        if end < 0:
            raise BadPickle("a pickle breaks off in a name")
        text = self._take(end - self.place).decode("utf-8")
        self.place += 1
        return text

    # -- the stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def since_mark(self) -> list[Any]:
        index = len(self.stack) - 1
        while self.stack[index] is not _MARK:
            index -= 1
            if index < 0:
                raise BadPickle("a pickle is damaged")
        values = self.stack[index + 1 :]
        del self.stack[index:]
        return values

    def many(self, num: int) -> None:
        values = tuple(self.stack[-num:])
        if len(values) != num or _MARK in values:
            raise BadPickle("a pickle is damaged")
        self.stack[-num:] = [values]

    def remember(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    # -- names and calls

    def name(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise BadPickle("a pickle is damaged in a name")
        found = Name(module, name)
        if not self.expected(found):
            raise BadPickle(f"it wants {found}", found)
        self.push(found)

    def name_from_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def call(self) -> None:
        args, cls = self.stack.pop(), self.stack.pop()
        if not (isinstance(cls, Name) and isinstance(args, tuple)):
            raise BadPickle("a pickle calls something that has no name")
        if (cls.module, cls.name) in _DICTS:
            pairs = args[0] if args and isinstance(args[0], list) else ()
            made: dict[Any, Any] = {}
            for key, value in pairs:
                _put(made, key, value)
            self.push(made)
        else:
            self.push(Thing(cls, args))

    def call_with_names(self) -> None:
        self.stack.pop()
        self.call()

    def build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Thing):
            self.stack[-1].state = state

    # -- filling

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        (target.elements if isinstance(target, Thing) else _a(list, target)).extend(values)

    def put(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Thing) else _a(dict, target)
        for key, value in zip(values[::2], values[1::2], strict=True):
            _put(items, key, value)

    def pop_two(self) -> list[Any]:
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]

    def dictionary(self) -> None:
        values = self.since_mark()
        self.push({})
        self.put(values)


def _put(target: dict[Any, Any], key: Any, value: Any) -> None:
    # Nested tuples could take forever to hash.
    if not isinstance(key, _KEYS):
        raise BadPickle(f"a pickle uses a {type(key).__name__} as a key")
    target[key] = value


def _a(cls: type, value: Any) -> Any:
    if type(value) is not cls:
        raise BadPickle("a pickle is damaged")
    return value


def _long(m: _Machine) -> None:
    num = m.number("<B")
    if num > LARGEST_INT:
        raise BadPickle(f"a pickle holds a number of {num} bytes")
    m.push(int.from_bytes(m._take(num), "little", signed=True))


_ACTIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": lambda m: _protocol(m),
    b"\x95": lambda m: _ignore(m.number("<Q")),  # the length of a frame
    b"(": lambda m: m.push(_MARK),
    b"0": lambda m: _ignore(m.stack.pop()),
    b"1": lambda m: _ignore(m.since_mark()),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"\x8a": _long,
    b"G": lambda m: m.push(m.number(">d")),
    b"X": lambda m: m.push(m.text("<I")),
    b"\x8c": lambda m: m.push(m.text("<B")),
    b"\x8d": lambda m: m.push(m.text("<Q")),
    # Texts of Python 2, and bytes, which stand where texts may: both only to be passed over.
    b"U": lambda m: m.push(m.text("<B", "latin-1")),
    b"T": lambda m: m.push(m.text("<i", "latin-1")),
    b"C": lambda m: m.push(m.text("<B", "latin-1")),
    b"B": lambda m: m.push(m.text("<I", "latin-1")),
    b"]": lambda m: m.push([]),
    b"a": lambda m: m.append([m.stack.pop()]),
    b"e": lambda m: m.append(m.since_mark()),
    b"l": lambda m: m.push(m.since_mark()),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.since_mark())),
    b"\x85": lambda m: m.many(1),
    b"\x86": lambda m: m.many(2),
    b"\x87": lambda m: m.many(3),
    b"}": lambda m: m.push({}),
    b"s": lambda m: m.put(m.pop_two()),
    b"u": lambda m: m.put(m.since_mark()),
    b"d": lambda m: m.dictionary(),
    b"\x8f": lambda m: m.push([]),  # a set; what is in it matters as little as its order
    b"\x90": lambda m: m.append(m.since_mark()),
    b"\x91": lambda m: m.push(m.since_mark()),
    b"q": lambda m: m.remember(m.number("<B")),
    b"r": lambda m: m.remember(m.number("<I")),
    b"\x94": lambda m: m.remember(len(m.memo)),
    b"h": lambda m: m.push(m.memo[m.number("<B")]),
    b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"c": lambda m: m.name(m.line(), m.line()),
    b"i": lambda m: _instance(m),
    b"\x93": lambda m: m.name_from_stack(),
    b"R": lambda m: m.call(),
    b"\x81": lambda m: m.call(),
    b"\x92": lambda m: m.call_with_names(),
    b"b": lambda m: m.build(),
    b"Q": lambda m: m.push(Persistent(m.stack.pop())),
}


def _protocol(m: _Machine) -> None:
    version = m.number("<B")
    if not 2 <= version <= 5:
        raise BadPickle(f"a pickle of protocol {version}")


def _instance(m: _Machine) -> None:
    found = Name(m.line(), m.line())
    raise BadPickle(f"it wants {found}", found)


def _ignore(value: Any) -> None:
    """Taken from the stack or the stream, and not needed."""
