"""Files of ``torch.save``, read as inert data.

For plugin authors: open a checkpoint with ``TorchFile``.

Nothing in the file is executed, whatever it asks for, and no more memory is taken than about twice
what the tensors read from it occupy in the file.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import torch
from safetensors import SafetensorError
from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading.containers import Damaged, Legacy, Zip, is_legacy, storage_of
from c2l.reading.pickles import BadPickle, InertObject, Name, Persistent

AGAIN = "Fetch or copy it again"
_BEGINNING = 1 << 22

_REBUILD = Name("torch._utils", "_rebuild_tensor_v2")
_PARAMETER = Name("torch._utils", "_rebuild_parameter")


@dataclass(frozen=True)
class StoredTensor:
    """A tensor that lies in a file: its type, its shape, and where."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    key: str
    offset: int
    strides: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class TorchFile:
    """A checkpoint that is open for reading; a context manager.

    Attributes:
        root: what was saved: numbers, texts, lists, tuples, dictionaries, and for the rest
            ``InertObject`` and ``Name``. Tensors are seen through ``tensor``.
    Raises:
        BadWeights: it is not a checkpoint, is cut off, or contains executable content.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise BadWeights(
                f"cannot read {path}: {error.strerror}", hint="Check the path"
            ) from error
        try:
            with explain_damage(path):
                size = path.stat().st_size
                self._left = size
                self._storages: dict[str, Tensor] = {}
                # Each makes a hundred bytes or so: together less than four times the file.
                most_instructions = 20_000 + size // 32
                container = Zip if self._file.read(2) == b"PK" else Legacy
                self._container = container(self._file, size, most_instructions)
                self.root = self._container.root
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def tensor(self, value: Any) -> StoredTensor | None:
        """What ``value``, found under ``root``, says of a tensor; None if it is not one.

        Raises:
            BadWeights: it claims to be one, but does not fit the file.
        """
        if isinstance(value, InertObject) and value.cls == _PARAMETER and value.args:
            value = value.args[0]
        if not (isinstance(value, InertObject) and value.cls == _REBUILD):
            return None
        with explain_damage(self.path):
            return self._checked(value.args)

    def read(self, stored: StoredTensor) -> Tensor:
        """The tensor itself, with memory of its own, on the CPU.

        Raises:
            BadWeights: the file is cut off, or its tensors would take more than the file.
        """
        with explain_damage(self.path):
            self._left -= stored.num_bytes
            if self._left < 0:
                raise Damaged("its tensors hold more than the file")
            first = stored.key not in self._storages
            if first:
                raw = torch.empty(self._container.num_bytes(stored.key), dtype=torch.uint8)
                self._container.fill(stored.key, raw.numpy().data)
                self._storages[stored.key] = raw
            raw = self._storages[stored.key]
            view = raw.view(stored.dtype).as_strided(stored.shape, stored.strides, stored.offset)
            if first and stored.num_bytes == len(raw) and view.is_contiguous():
                return view  # nobody else has this memory
            return view.clone(memory_format=torch.contiguous_format)

    def _checked(self, args: tuple[Any, ...]) -> StoredTensor:
        storage, *layout = args[:4]
        if not isinstance(storage, Persistent):
            raise Damaged("a tensor in it is described wrongly")
        key, dtype, num = storage_of(storage)
        offset, shape, strides = checked_layout(layout, num)
        if num * dtype.itemsize > self._container.num_bytes(key):
            raise Damaged(f"the storage {key} is shorter than it says")
        return StoredTensor(dtype, shape, key, offset, strides)


def read_beginning(path: Path) -> bytes:
    """Where the names of a checkpoint's tensors stand: the first bytes of its pickle, unread.

    For ``recognises``, which looks for names. Empty if the file is not a checkpoint. One that is
    cut off is still recognised, so that opening it says what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            # Memory is taken for all that is asked for, whether it is there or not.
            start = file.read(min(_BEGINNING, path.stat().st_size))
    except OSError:
        return b""
    if is_legacy(start):
        return start
    if start[:2] != b"PK":
        return b""
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                return b""
            with archive.open(pickles[0]) as inner:
                return inner.read(_BEGINNING)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError):
        return start  # the pickle lies in front, and as it is


def checked_layout(layout: Sequence[Any], num: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """What a tensor's record says of its place in a storage, if that is possible.

    Args:
        layout: offset, shape and strides, as they stand in the file.
        num: the number of elements that are stored.
    Returns:
        offset, shape and strides, in elements.
    Raises:
        Damaged: it is larger than the storage, or has two elements in one place.
    """
    offset, shape, strides = (*layout, None, None, None)[:3]
    if not (
        type(offset) is int
        and offset >= 0
        and _are_sizes(shape)
        and _are_sizes(strides)
        and len(shape) == len(strides) <= 8
    ):
        raise Damaged("a tensor in it is described wrongly")
    reach = 0
    if math.prod(shape):
        for stride, size in sorted(zip(strides, shape, strict=True)):
            if size > 1 and stride <= reach:
                raise Damaged(f"a tensor of shape {shape} has two elements in one place")
            reach += (size - 1) * stride
        reach += 1
    if offset + reach > num:
        raise Damaged(f"a tensor of shape {shape} is larger than what is stored for it")
    return offset, shape, strides


def _are_sizes(value: Any) -> bool:
    return isinstance(value, tuple) and all(type(n) is int and 0 <= n < 1 << 48 for n in value)


_FAILURES = (
    SafetensorError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    OverflowError,
    IndexError,
    KeyError,
)


@contextmanager
def explain_damage(path: Path) -> Iterator[None]:
    """Everything that can go wrong inside a file, as one line that names it.

    Raises:
        BadWeights: instead of ``Damaged``, ``BadPickle`` and the errors of reading.
    """
    try:
        yield
    except BadPickle as error:
        hint = "Do not trust this file: weights need no code" if error.wanted else AGAIN
        raise BadWeights(f"{path} is not read: {error}", hint=hint) from error
    except Damaged as error:
        raise BadWeights(f"{path} is not read: {error}", hint=AGAIN) from error
    except _FAILURES as error:
        first, *others = [*filter(None, map(str.strip, str(error).splitlines())), ""]
        if "loading state_dict" in first:  # torch's own words; the next line says what differs
            raise BadWeights(
                f"{path} holds the weights of another network: {others[0].rstrip('. ')}",
                hint="Give a file that was saved from a network like this",
            ) from error
        reason = first.rstrip(". ") or type(error).__name__
        raise BadWeights(f"{path} is cut off or damaged: {reason}", hint=AGAIN) from error
