"""What NVIDIA's pickles hold: modules, tensors and numpy arrays, made of inert data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from c2l.reading import (
    Damaged,
    InertObject,
    Name,
    Persistent,
    attributes_of,
    check_length,
    checked_layout,
    read_legacy,
    storage_of,
)

_DEEPEST = 8
_MOST_TENSORS = 40_000
_MOST_VALUES = 1000
_LONGEST_TENSOR_HEADER = 4000
"""Instructions of the pickles before a storage; they are about sixty."""

_RECORD = Name("torch_utils.persistence", "_reconstruct_persistent_obj")
_LOAD = Name("torch.storage", "_load_from_bytes")
_TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = Name("torch._utils", "_rebuild_parameter")
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_DILL = Name("dill._dill", "_create_array")
_ENCODE = Name("_codecs", "encode")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers of one type, as they lie in the file."""

    dtype: torch.dtype
    num: int
    data: memoryview


def load_storage(call: InertObject) -> Any:
    """In place of torch's ``_load_from_bytes``, which would unpickle anything.

    Returns:
        the ``Storage``; ``call`` itself if it is not a call of that function.

    Raises:
        Damaged, BadPickle: the bytes are not a storage, or contain executable content.
    """
    if call.cls != _LOAD:
        return call
    payload = call.args[0] if len(call.args) == 1 else None
    if not isinstance(payload, bytes | memoryview):
        raise Damaged("one of its storages is malformed")
    data = memoryview(payload)
    root, keys, place = read_legacy(data, _LONGEST_TENSOR_HEADER)
    if not isinstance(root, Persistent):
        raise Damaged("one of its storages is malformed")
    key, dtype, num = storage_of(root)
    if keys != [key]:
        raise Damaged(f"the storage {key} is missing")
    check_length(data, place, num, key)
    numbers = data[place + 8 :]
    if len(numbers) < num * dtype.itemsize:
        raise Damaged(f"the storage {key} is truncated")
    return Storage(dtype, num, numbers)


@dataclass(frozen=True, eq=False)
class Module:
    """A module of torch: the name of its class, and its attributes."""

    class_name: str
    state: dict[Any, Any]

    @classmethod
    def of(cls, value: Any) -> Self | None:
        """The module that ``value`` stands for; None if it is not one."""
        if not isinstance(value, InertObject):
            return None
        name: Any = value.cls.name
        state = attributes_of(value)
        if value.cls == _RECORD and state:
            name = value.args[0].get("class_name")
        return cls(name[:100], state) if isinstance(name, str) and "_modules" in state else None

    def children(self) -> Iterator[tuple[str, Module]]:
        """Its submodules, in their order."""
        for name, value in self._table("_modules").items():
            module = Module.of(value)
            if module is not None and isinstance(name, str):
                yield name, module

    def child(self, name: str) -> Module | None:
        """The submodule of this name, if there is one."""
        return Module.of(self._table("_modules").get(name))

    def attribute(self, name: str) -> Any:
        """A plain attribute, with numpy's numbers as numbers; None if there is none."""
        return plain(self.state.get(name))

    def tensors(self, take: Callable[[Any, str], Tensor]) -> dict[str, Tensor]:
        """All its parameters and persistent buffers, each read with ``take``."""
        found: dict[str, Tensor] = {}
        self._collect(found, "", take, 0)
        return found

    def _collect(
        self, found: dict[str, Tensor], prefix: str, take: Callable[[Any, str], Tensor], depth: int
    ) -> None:
        if depth > _DEEPEST or len(found) > _MOST_TENSORS:
            raise Damaged("its modules are nested too deeply")
        hidden = plain(self.state.get("_non_persistent_buffers_set")) or []
        for table in ("_parameters", "_buffers"):
            for name, value in self._table(table).items():
                if value is None or name in hidden:
                    continue
                full = f"{prefix}{name}"
                found[full] = take(value, full)
        for name, module in self.children():
            module._collect(found, f"{prefix}{name}.", take, depth + 1)

    def _table(self, name: str) -> dict[Any, Any]:
        table = self.state.get(name)
        return table if isinstance(table, dict) else {}


def views(*, at_most: int) -> Callable[[Any, str], Tensor]:
    """``tensor_of``, until all together hold more than a file of ``at_most`` bytes can.

    Half precision may double.
    """
    left = at_most * 2

    def take(value: Any, name: str) -> Tensor:
        nonlocal left
        tensor = tensor_of(value, name)
        left -= tensor.numel() * 4
        if left < 0:
            raise Damaged("its tensors are larger than the file")
        return tensor

    return take


def tensor_of(value: Any, name: str) -> Tensor:
    """A tensor, as a view of the file.

    Raises:
        Damaged: it is not a tensor, is larger than its storage, or does not hold numbers.
    """
    if isinstance(value, InertObject) and value.cls == _PARAMETER and value.args:
        value = value.args[0]
    if not (isinstance(value, InertObject) and value.cls == _TENSOR and value.args):
        raise Damaged(f"{name} is not a tensor")
    storage, *layout = value.args[:4]
    if not isinstance(storage, Storage):
        raise Damaged(f"the storage of {name} is missing")
    if not storage.dtype.is_floating_point:
        raise Damaged(f"{name} is {storage.dtype}, not floating-point")
    offset, shape, strides = checked_layout(layout, storage.num)
    if not storage.num:
        return torch.empty(shape, dtype=storage.dtype)
    flat = _as_tensor(storage.data, storage.dtype, storage.num)
    return flat.as_strided(shape, strides, offset)


def array_of(value: Any, name: str) -> Tensor:
    """A numpy array or number, as a float32 view of the file where it is little-endian.

    Raises:
        Damaged: it is not an array, or has the wrong length.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return torch.tensor(float(value))
    array = _array(value)
    if array is None or array.dtype.kind != "f":
        raise Damaged(f"{name} is not an array of floating-point numbers")
    numbers = np.asarray(array, dtype="=f4")
    return torch.from_numpy(numbers if numbers.flags.writeable else numbers.copy())


def plain(value: Any, _left: list[int] | None = None, _depth: int = 0) -> Any:
    """Numbers, texts, lists and dictionaries as they are; anything else is None."""
    left = [_MOST_VALUES] if _left is None else _left
    left[0] -= 1
    if left[0] < 0 or _depth > _DEEPEST:
        raise Damaged("one of its attributes is too large")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, left, _depth + 1) for item in value]
    if isinstance(value, InertObject):
        if value.cls.name == "EasyDict":
            value = {**value.items, **(value.state if isinstance(value.state, dict) else {})}
        elif value.cls.name == "set":
            return [
                plain(i, left, _depth + 1) for a in value.args if isinstance(a, list) for i in a
            ]
        else:
            array = _array(value)
            return None if array is None or array.size > _MOST_VALUES else array.tolist()
    if isinstance(value, dict):
        return {k: plain(v, left, _depth + 1) for k, v in value.items() if isinstance(k, str)}
    return None


def _array(value: Any) -> Any:
    if not isinstance(value, InertObject):
        return None
    where, what, args = value.cls.module, value.cls.name, value.args
    fortran: Any = False
    shape: Any
    axes: Any = None
    if where in _NUMPY and what == "scalar":
        dtype, data, shape = (*args, None, None)[0], (*args, None, None)[1], ()
    elif where in _NUMPY and what == "_reconstruct":
        state = value.state if isinstance(value.state, tuple) else ()
        if len(state) != 5:
            raise Damaged("one of its arrays is malformed")
        _, shape, dtype, fortran, data = state
    elif value.cls == _DILL and len(args) == 4 and isinstance(args[2], tuple) and len(args[2]) == 5:
        _, shape, dtype, fortran, data = args[2]
    elif where in _NUMERIC and what == "_frombuffer":
        data, dtype, shape, order, axes = (*args, *[None] * 5)[:5]
        fortran, axes = order == "F", axes if order == "K" else None
    else:
        return None
    kind, data = _dtype(dtype), _bytes_of(data)
    if not (
        isinstance(data, bytes | memoryview)
        and isinstance(shape, tuple)
        and len(shape) <= 8
        and all(type(size) is int and 0 <= size < 1 << 48 for size in shape)
        and math.prod(shape) * kind.itemsize == len(data)
    ):
        raise Damaged("one of its arrays has the wrong length")
    array = np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")
    if axes is None:
        return array
    # Since numpy 2.3 arrays in neither order are written as they lie in memory.
    if not (
        isinstance(axes, tuple)
        and all(type(axis) is int for axis in axes)
        and sorted(axes) == list(range(array.ndim))
    ):
        raise Damaged("one of its arrays is malformed")
    return array.transpose(axes)


def _bytes_of(value: Any) -> Any:
    """Bytes, which protocol 2 writes as a text to be encoded."""
    if isinstance(value, InertObject) and value.cls == _ENCODE and value.args:
        text = value.args[0]
        if isinstance(text, str) and all(ord(letter) < 256 for letter in text):
            return text.encode("latin-1")
    return value


def _dtype(value: Any) -> np.dtype[Any]:
    if not (isinstance(value, InertObject) and value.cls == Name("numpy", "dtype") and value.args):
        raise Damaged("one of its arrays has no dtype")
    code = value.args[0]
    if not isinstance(code, str) or code not in _NUMBERS:
        kind = code[:20] if isinstance(code, str) else type(code).__name__
        raise Damaged(f"one of its arrays holds {kind}, not numbers")
    state = value.state if isinstance(value.state, tuple) else ()
    dtype = np.dtype(code)
    return dtype.newbyteorder(">") if len(state) > 1 and state[1] == ">" else dtype


def _as_tensor(data: memoryview, dtype: torch.dtype, num: int) -> Tensor:
    if data.readonly:
        data = memoryview(bytearray(data))  # short ones, which were copied on reading
    return torch.frombuffer(data, dtype=dtype, count=num)
