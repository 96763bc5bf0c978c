"""The little of protobuf's encoding that reading an ONNX file takes."""

from __future__ import annotations

from collections.abc import Iterator

Value = int | memoryview


class Damaged(Exception):
    """Bytes that are no message."""


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message: a whole number, or bytes yet to be read.

    Raises:
        Damaged
    """
    place = 0
    while place < len(data):
        tag, place = _number(data, place)
        kind = tag & 7
        if tag >> 3 == 0:
            raise Damaged("a field has no number")
        if kind == 0:
            value, place = _number(data, place)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, place = _number(data, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise Damaged("a field has an unknown form")
        if place + length > len(data):
            raise Damaged("it is cut off")
        yield tag >> 3, data[place : place + length]
        place += length


def text(value: Value) -> str:
    """A field that is a text.

    Raises:
        Damaged: it is none.
    """
    if isinstance(value, int):
        raise Damaged("a text is a number")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise Damaged("a text is not valid UTF-8") from error


def message(value: Value) -> memoryview:
    """A field that is a message.

    Raises:
        Damaged: it is none.
    """
    if isinstance(value, int):
        raise Damaged("a message is a number")
    return value


def _number(data: memoryview, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise Damaged("it is cut off")
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise Damaged("a number is too long")
