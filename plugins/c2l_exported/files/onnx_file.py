"""ONNX files, looked through before anything opens them.

What ONNX Runtime would do with a file is decided here: which other files it reads, and whether it
knows the operators. No package is needed: numbers of fields are those of onnx.proto.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from c2l.errors import BadWeights
from c2l.reading import refuse_stand_in
from c2l_exported.files.protobuf import Damaged, Value, fields, message, text

_IR_VERSION, _GRAPH, _OPSET, _FUNCTION = 1, 7, 8, 25
_OF_A_MODEL = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_MOST_FIELDS = 10_000
_DEEPEST = 16
_KNOWN_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"}


@dataclass
class OnnxFile:
    """What an ONNX file says of itself.

    Args:
        inputs: name and shape of each; None where a size is open.
        companions: the files beside it that hold weights.
        parameters: how many numbers its weights are.
    """

    inputs: dict[str, list[int | None]] = field(default_factory=dict)
    companions: list[Path] = field(default_factory=list)
    parameters: int = 0


def recognises_onnx(path: Path) -> bool:
    """Whether the outermost fields are those of an ONNX model; reads their lengths alone."""
    try:
        with path.open("rb") as file:
            if file.read(1) != b"\x08":  # the version comes first
                return False
            seen = set()
            for count, (number, value) in enumerate(fields(_mapped(path))):
                if number not in _OF_A_MODEL or count > _MOST_FIELDS:
                    return False
                if number == _IR_VERSION and not (isinstance(value, int) and 1 <= value < 1000):
                    return False
                seen.add(number)
            return {_IR_VERSION, _GRAPH} <= seen
    except (OSError, ValueError, Damaged):
        return False


def read_onnx(path: Path) -> OnnxFile:
    """Look through a file.

    Raises:
        BadWeights: it is damaged, reads files outside its folder, or has operators of its own.
    """
    refuse_stand_in(path)
    found = _Found()
    try:
        for number, value in fields(_mapped(path)):
            if number == _GRAPH:
                _look_at_graph(message(value), found, outermost=True)
            elif number == _FUNCTION:
                _look_at_function(message(value), found)
            elif number not in _OF_A_MODEL:
                raise Damaged("it is something else")
    except (OSError, ValueError, Damaged) as error:
        raise BadWeights(
            f"{path} is not a whole ONNX file: {error}", hint="Fetch or export it again"
        ) from error
    if not found.nodes:
        raise BadWeights(f"{path} is not an ONNX model", hint="Export it again")
    unknown = [op for domain, op in found.nodes if domain not in _KNOWN_DOMAINS | found.domains]
    if unknown:
        raise BadWeights(
            f"{path} needs operators that ONNX Runtime does not have: {', '.join(unknown[:3])}",
            hint="Export it with the standard operators of ONNX",
        )
    return OnnxFile(
        {n: s for n, s in found.inputs.items() if n not in found.weights},
        [_companion(path, place) for place in dict.fromkeys(found.places)],
        found.parameters,
    )


@dataclass
class _Found:
    nodes: list[tuple[str, str]] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    inputs: dict[str, list[int | None]] = field(default_factory=dict)
    weights: set[str] = field(default_factory=set)
    parameters: int = 0


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        if not file.read(1):
            raise Damaged("it is empty")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _companion(path: Path, place: str) -> Path:
    """The file that holds weights, which must lie in the model's own folder."""
    folder = path.resolve().parent
    named = folder / place
    if not named.resolve().is_relative_to(folder):
        raise BadWeights(
            f"{path} wants to read {place}, which is outside its own folder",
            hint="Put its weights beside it; if you did not make it, do not open it",
        )
    if not named.is_file():
        raise BadWeights(
            f"{path} keeps weights in {place}, which is not there",
            hint=f"Put {place} into the folder of {path.name}",
        )
    return named


def _look_at_graph(data: memoryview, found: _Found, depth: int = 0, *, outermost: bool) -> None:
    if depth > _DEEPEST:
        raise Damaged("it is nested too deeply")
    for number, value in fields(data):
        if number == 1:
            _look_at_node(message(value), found, depth)
        elif number == 5:
            found.weights.add(_look_at_tensor(message(value), found))
        elif number == 15:
            _look_at_sparse(message(value), found)
        elif number == 11 and outermost:
            name, shape = _input(message(value))
            found.inputs[name] = shape


def _look_at_function(data: memoryview, found: _Found) -> None:
    for number, value in fields(data):
        if number == 7:
            _look_at_node(message(value), found, 0)
        elif number == 11:
            _look_at_attribute(message(value), found, 0)
        elif number == 10:
            found.domains.add(text(value))


def _look_at_node(data: memoryview, found: _Found, depth: int) -> None:
    name, domain = "", ""
    for number, value in fields(data):
        if number == 4:
            name = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            _look_at_attribute(message(value), found, depth)
    found.nodes.append((domain, f"{domain}::{name}" if domain else name))


def _look_at_attribute(data: memoryview, found: _Found, depth: int) -> None:
    for number, value in fields(data):
        if number in (5, 10):
            _look_at_tensor(message(value), found)
        elif number in (6, 11):
            _look_at_graph(message(value), found, depth + 1, outermost=False)
        elif number in (22, 23):
            _look_at_sparse(message(value), found)


def _look_at_sparse(data: memoryview, found: _Found) -> None:
    for number, value in fields(data):
        if number in (1, 2):
            _look_at_tensor(message(value), found)


def _look_at_tensor(data: memoryview, found: _Found) -> str:
    """Note where a tensor's numbers are; returns its name."""
    name, num = "", 1
    for number, value in fields(data):
        if number == 1:
            for size in _numbers(value):
                num *= size
        elif number == 8:
            name = text(value)
        elif number == 13:
            entry = {n: text(v) for n, v in fields(message(value))}
            if entry.get(1) == "location":
                found.places.append(entry.get(2, ""))
    found.parameters += num
    return name


def _numbers(value: Value) -> Iterator[int]:
    """Whole numbers, one in a field or packed."""
    if isinstance(value, int):
        yield value
        return
    number = shift = 0
    for byte in value:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


def _input(data: memoryview) -> tuple[str, list[int | None]]:
    name, shape = "", []
    for number, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == 2:
            shape = _shape(message(value))
    return name, shape


def _shape(data: memoryview) -> list[int | None]:
    """The sizes in a type: its tensor, that one's shape, and the dimensions of this."""
    dimensions = [
        message(dimension)
        for of_type, tensor in fields(data)
        if of_type == 1
        for of_tensor, shape in fields(message(tensor))
        if of_tensor == 2
        for of_shape, dimension in fields(message(shape))
        if of_shape == 1
    ]
    sizes = [dict(fields(dimension)).get(1) for dimension in dimensions]
    return [size if isinstance(size, int) and size > 0 else None for size in sizes]
