"""Pickles as inert data: a reader that imports nothing and calls nothing.

A pickle is a program for a small stack machine, and Python's own machine runs what it asks for.
This one knows the instructions that data needs. A class or function stays a ``Name``, a call of one
becomes an ``InertObject`` that says what it would have been, and a call that the caller does not
expect ends the reading. Long bytes are not copied: they stay views of the file.

Files of networks name many classes that are nobody's business here: layers of a discriminator,
settings of a trainer. Such a name may stand in a pickle, and an object may be made of it out of
nothing and filled with data, as torch's modules are. It may not be called with arguments, and what
belongs to Python itself may not even be named.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from c2l_registry.wording import a_type_of

LONGEST_TEXT = 1 << 16
"""In bytes; longer ones, the source code in some checkpoints, stay undecoded ``memoryview``s."""
LONGEST_COPY = 200
"""In bytes; a view takes as much."""
LONGEST_LINE = 200
LARGEST_INT = 10
"""In bytes: the magic number of old checkpoints is the longest that occurs."""


class BadPickle(ValueError):
    """A pickle that is cut off, or that contains more than data.

    Args:
        wanted: what it would have imported, if that is the reason.
    """

    def __init__(self, message: str, wanted: Name | None = None) -> None:
        super().__init__(message)
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class InertObject:
    """What a call in a pickle would have made: an object, with what was put into it."""

    cls: Name
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    elements: list[Any] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class Persistent:
    """A reference to something that the pickle does not hold: a tensor's storage."""

    id: Any


_DAMAGE = (LookupError, ArithmeticError, struct.error, TypeError, ValueError, AttributeError)
_MARK = object()
_DICTS = {("collections", "OrderedDict"), ("collections", "defaultdict")}
_KEYS = (str, int, float, bool, type(None), Name)
_OF_PYTHON = sys.stdlib_module_names | {"__builtin__", "copy_reg", "commands", "c2l"}
_PLAIN_NAME = re.compile(r"\w+")


def read_pickle(
    data: Any,
    start: int,
    *,
    expected: Callable[[Name], bool],
    most_instructions: int,
    made: Callable[[InertObject], Any] | None = None,
) -> tuple[Any, int]:
    """Read one pickle of protocol 2 to 5.

    Args:
        data: bytes, a view of some, or a memory map, which must stay open as long as the value is
            used.
        start: where the pickle begins in it.
        expected: whether something of this name may be called.
        most_instructions: what is made takes up to about a hundred bytes for each.
        made: what to put in the place of a call; None leaves each as it is.
    Returns:
        the value, and where in ``data`` the pickle ends.
    Raises:
        BadPickle: it is cut off, longer than allowed, or calls something that is not expected.
    """
    machine = _Machine(memoryview(data), start, expected, made)
    try:
        for _ in range(most_instructions):
            if machine.step():
                return machine.stack.pop(), machine.place
    except BadPickle:
        raise
    except _DAMAGE as error:
        raise BadPickle(f"a pickle breaks off or is damaged at byte {machine.place}") from error
    raise BadPickle(f"a pickle has more than {most_instructions} instructions")


class _Machine:
    def __init__(
        self,
        data: memoryview,
        place: int,
        expected: Callable[[Name], bool],
        made: Callable[[InertObject], Any] | None,
    ) -> None:
        self.data = data
        self.place = place
        self.expected = expected
        self.made = made
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self) -> bool:
        """Carry out one instruction; True at the end."""
        code = self.data[self.place]
        self.place += 1
        if code == _STOP:
            return True
        action = _ACTIONS.get(code)
        if action is None:
            raise BadPickle(f"a pickle contains the instruction {code:#x}, which data never needs")
        action(self)
        return False

    # -- reading

    def take(self, num: int) -> memoryview:
        end = self.place + num
        if not self.place <= end <= len(self.data):
            raise BadPickle("a pickle breaks off")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def blob(self, form: str) -> bytes | memoryview:
        taken = self.take(self.number(form))
        return taken if len(taken) > LONGEST_COPY else bytes(taken)

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self.data, self.place)
        self.place += struct.calcsize(form)
        return value

    def text(self, form: str, encoding: str = "utf-8") -> str | memoryview:
        taken = self.take(self.number(form))
        return taken if len(taken) > LONGEST_TEXT else str(taken, encoding, "surrogatepass")

    def line(self) -> str:
        line, newline, _ = bytes(self.data[self.place : self.place + LONGEST_LINE]).partition(b"\n")
        if not newline:
            raise BadPickle("a pickle breaks off in a name")
        self.place += len(line) + 1
        return line.decode()

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
        is_pythons = module.partition(".")[0] in _OF_PYTHON or not _PLAIN_NAME.fullmatch(name)
        if is_pythons and not self.expected(found):
            raise _executable(found)
        self.push(found)

    def name_from_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def call(self, *, of_nothing: bool = False) -> None:
        """Args: of_nothing: a new object, which without arguments runs no code of its class."""
        args, cls = self.stack.pop(), self.stack.pop()
        if not (isinstance(cls, Name) and isinstance(args, tuple)):
            raise BadPickle("a pickle calls something that has no name")
        if not (of_nothing and not args) and not self.expected(cls):
            raise _executable(cls)
        if (cls.module, cls.name) in _DICTS:
            pairs = args[0] if args and isinstance(args[0], list) else ()
            filled: dict[Any, Any] = {}
            for key, value in pairs:
                _put(filled, key, value)
            self.push(filled)
        else:
            thing = InertObject(cls, args)
            self.push(thing if self.made is None else self.made(thing))

    def call_with_names(self) -> None:
        self.stack.pop()
        self.call()

    def build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], InertObject):
            self.stack[-1].state = state

    def persistent(self) -> None:
        """A reference; what torch's older files write so in place of a class stays its name."""
        told = self.stack.pop()
        is_class = isinstance(told, tuple) and len(told) == 4 and told[0] == "module"
        self.push(told[1] if is_class and isinstance(told[1], Name) else Persistent(told))

    # -- filling

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        (target.elements if isinstance(target, InertObject) else _a(list, target)).extend(values)

    def put(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, InertObject) else _a(dict, target)
        for key, value in zip(values[::2], values[1::2], strict=True):
            _put(items, key, value)

    def pop_two(self) -> list[Any]:
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]

    def dictionary(self) -> None:
        values = self.since_mark()
        self.push({})
        self.put(values)


def _executable(wanted: Name) -> BadPickle:
    return BadPickle(f"it contains executable content: {wanted}", wanted)


def _put(target: dict[Any, Any], key: Any, value: Any) -> None:
    # Nested tuples could take forever to hash.
    if not isinstance(key, _KEYS):
        raise BadPickle(f"a pickle uses {a_type_of(key)} as a key")
    target[key] = value


def _a(cls: type, value: Any) -> Any:
    if type(value) is not cls:
        raise BadPickle("a pickle is damaged")
    return value


def _long(m: _Machine) -> None:
    num = m.number("<B")
    if num > LARGEST_INT:
        raise BadPickle(f"a pickle holds a number of {num} bytes")
    m.push(int.from_bytes(m.take(num), "little", signed=True))


_ACTIONS_BY_BYTE: dict[bytes, Callable[[_Machine], None]] = {
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
    # The texts of Python 2.
    b"U": lambda m: m.push(m.text("<B", "latin-1")),
    b"T": lambda m: m.push(m.text("<i", "latin-1")),
    b"C": lambda m: m.push(m.blob("<B")),
    b"B": lambda m: m.push(m.blob("<I")),
    b"\x8e": lambda m: m.push(m.blob("<Q")),
    b"\x96": lambda m: m.push(m.blob("<Q")),  # a bytearray
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
    b"\x81": lambda m: m.call(of_nothing=True),
    b"\x92": lambda m: m.call_with_names(),
    b"b": lambda m: m.build(),
    b"Q": lambda m: m.persistent(),
}


def _protocol(m: _Machine) -> None:
    version = m.number("<B")
    if not 2 <= version <= 5:
        raise BadPickle(f"a pickle of protocol {version}")


def _instance(m: _Machine) -> None:
    raise _executable(Name(m.line(), m.line()))


def _ignore(value: Any) -> None:
    """Taken from the stack or the stream, and not needed."""


_STOP = ord(".")
_ACTIONS = {ord(code): action for code, action in _ACTIONS_BY_BYTE.items()}
