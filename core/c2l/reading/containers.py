"""How checkpoints of ``torch.save`` lie in a file: today's zip archives and the format before it.

Both hold a pickle, read as inert data, and storages: runs of numbers, each with a key.
"""

from __future__ import annotations

import mmap
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch

from c2l.reading.pickles import BadPickle, InertObject, Name, Persistent, read_pickle

DTYPES: Mapping[str, torch.dtype] = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}
MAGIC = 0x1950A86A20F9469CFC6C
_BEGINNING = b"\x8a\n" + MAGIC.to_bytes(10, "little")
_BEGINNING_WITHIN = 24

# What may be called in a file: it makes data of data, and stays a name here.
_NUMPY = {"_reconstruct", "scalar", "_frombuffer"}
_EXPECTED = {
    "collections": {"OrderedDict", "defaultdict", "deque", "Counter"},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_parameter"},
    "torch": {*DTYPES, "Size", "device", "float32", "float16", "bfloat16", "float64", "int64"},
    "torch_utils.persistence": {"_reconstruct_persistent_obj"},  # of NVIDIA's networks
    "numpy": {"dtype", "ndarray"},
    **{
        f"numpy.{core}.{part}": _NUMPY
        for core in ("core", "_core")
        for part in ("multiarray", "numeric")
    },
    "torch.jit._pickle": {
        "build_intlist",
        "build_doublelist",
        "build_boollist",
        "build_tensorlist",
    },
    "_codecs": {"encode"},  # bytes, in protocol 2
    "argparse": {"Namespace"},
    "types": {"SimpleNamespace"},
    "typing": {"Any"},
    "pathlib": {"PosixPath", "WindowsPath", "PurePosixPath"},
    "omegaconf.base": {"SCMode"},
}
_BUILTINS = {"dict", "list", "tuple", "set", "str", "unicode", "int", "long", "float", "bool"}


def is_legacy(start: bytes) -> bool:
    """Whether a file that begins so is of the older format, in any protocol of pickle."""
    return start[:1] == b"\x80" and _BEGINNING in start[:_BEGINNING_WITHIN]


class Damaged(Exception):
    """Something about a file; the message, whose subject is "it" or a part of it, says what."""


def storage_of(reference: Persistent) -> tuple[str, torch.dtype, int]:
    """Key, type and number of elements of a storage that a pickle refers to."""
    parts = reference.id
    if not (isinstance(parts, tuple) and len(parts) in {5, 6} and parts[0] == "storage"):
        raise Damaged("it refers to something that is not a tensor")
    _, cls, key, _, num = parts[:5]  # the fourth is the device it was saved from
    if len(parts) == 6 and parts[5] is not None:
        raise Damaged("it uses views of storages, which only very old versions of torch wrote")
    if not (isinstance(cls, Name) and cls.module == "torch" and cls.name in DTYPES):
        raise Damaged(f"it holds {cls} for numbers" if isinstance(cls, Name) else "it is damaged")
    if not (isinstance(key, str) and type(num) is int and num >= 0):
        raise Damaged("a storage in it is described wrongly")
    return key, DTYPES[cls.name], num


def _is_expected(name: Name) -> bool:
    if name.module in {"builtins", "__builtin__"}:
        return name.name in _BUILTINS
    return name.name in _EXPECTED.get(name.module, ())


class Zip:
    """Today's format: ``NAME/data.pkl`` and ``NAME/data/KEY`` in an archive without compression."""

    def __init__(self, file: BinaryIO, size: int, most_instructions: int) -> None:
        check_directory(file, size)
        self._archive = zipfile.ZipFile(file)
        entries = self._archive.infolist()
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise Damaged("two things in it have one name")
        pickles = [name for name in self._entries if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Damaged("it is a zip archive, but not a checkpoint")
        self._folder = pickles[0].removesuffix("data.pkl")
        # TorchScript compresses its code, which nobody reads.
        read = [e for e in entries if not e.filename.startswith(f"{self._folder}code/")]
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in read):
            raise Damaged("it is compressed, which checkpoints never are")
        if sum(max(entry.file_size, entry.compress_size) for entry in read) > size:
            raise Damaged("it says that it holds more than it does")
        order = self._entries.get(f"{self._folder}byteorder")
        if order is not None and self._archive.read(order) != b"little":
            raise Damaged("its numbers are not little-endian")
        self.root, _ = read_pickle(
            self._archive.read(pickles[0]),
            0,
            expected=_is_expected,
            most_instructions=most_instructions,
        )

    def num_bytes(self, key: str) -> int:
        return self._entry(key).file_size

    def fill(self, key: str, buffer: memoryview) -> None:
        done = 0
        with self._archive.open(self._entry(key)) as file:
            while done < len(buffer):
                num = file.readinto(buffer[done:])  # type: ignore[attr-defined]
                if not num:
                    raise Damaged(f"the storage {key} is cut off")
                done += num
            file.read(1)  # the end, where the checksum is compared

    def _entry(self, key: str) -> zipfile.ZipInfo:
        entry = self._entries.get(f"{self._folder}data/{key}")
        if entry is None:
            raise Damaged(f"the storage {key} is missing")
        return entry


class Legacy:
    """The format before torch 1.6: five pickles, then the storages one after the other."""

    def __init__(self, file: BinaryIO, size: int, most_instructions: int) -> None:
        if not size:
            raise Damaged("it is empty")
        self._file = file
        # Closed with the last thing that was read from it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        self.root, keys, place = read_legacy(data, most_instructions)
        sizes = _storages_under(self.root)
        self._places: dict[str, tuple[int, int]] = {}
        for key in keys:
            if key not in sizes:
                raise Damaged(f"the storage {key} is missing")
            dtype, num = sizes[key]
            check_length(data, place, num, key)
            self._places[key] = place + 8, num * dtype.itemsize
            place += 8 + num * dtype.itemsize
        if place > size:
            raise Damaged("it is cut off")

    def num_bytes(self, key: str) -> int:
        return self._place(key)[1]

    def fill(self, key: str, buffer: memoryview) -> None:
        self._file.seek(self._place(key)[0])
        if self._file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
            raise Damaged(f"the storage {key} is cut off")

    def _place(self, key: str) -> tuple[int, int]:
        if key not in self._places:
            raise Damaged(f"the storage {key} is missing")
        return self._places[key]


def read_legacy(data: memoryview, most_instructions: int) -> tuple[Any, list[str], int]:
    """The part of the old format that is pickles.

    Returns:
        what was saved, the keys of its storages in their order, and where the first one begins.
    Raises:
        Damaged, BadPickle: it is something else.
    """
    place, parts = 0, []
    for index in range(5):
        try:
            part, place = read_pickle(
                data, place, expected=_is_expected, most_instructions=most_instructions
            )
        except BadPickle as error:
            if index == 0 and not error.wanted:
                raise Damaged("it is not a checkpoint") from error
            raise
        parts.append(part)
        if type(parts[0]) is not int or parts[0] != MAGIC:
            raise Damaged("it is a pickle, but not a checkpoint")
    _, _, system, root, keys = parts
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise Damaged("its numbers are not little-endian")
    if not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise Damaged("its list of storages is damaged")
    return root, keys, place


def check_length(data: memoryview, place: int, num: int, key: str) -> None:
    """Compare the number that precedes a storage in the old format with that in the pickle."""
    if place + 8 > len(data):
        raise Damaged(f"the storage {key} is missing")
    if struct.unpack_from("<q", data, place)[0] != num:
        raise Damaged(f"the storage {key} has another length than it says")


def _storages_under(root: Any) -> dict[str, tuple[torch.dtype, int]]:
    """Type and number of elements of every storage that is referred to."""
    found: dict[str, tuple[torch.dtype, int]] = {}
    seen: set[int] = set()
    todo = [root]
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, (str, int, float, type(None), Name)):
            continue
        seen.add(id(value))
        if isinstance(value, Persistent):
            key, dtype, num = storage_of(value)
            if found.setdefault(key, (dtype, num)) != (dtype, num):
                raise Damaged(f"the storage {key} is described in two ways")
        elif isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, (list, tuple)):
            todo.extend(value)
        elif isinstance(value, InertObject):
            todo.extend((value.args, value.state, value.items, value.elements))
    return found


def check_directory(file: BinaryIO, size: int) -> None:
    """Refuse an archive whose table of contents is out of proportion, before it is read."""
    tail_size = min(size, 22 + 20 + 56 + 0xFFFF)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise Damaged("it is cut off")
    (length,) = struct.unpack_from("<I", tail, end + 12)
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if large >= 0 and large + 56 <= len(tail):
        length = max(
            length if length != 0xFFFFFFFF else 0, *struct.unpack_from("<Q", tail, large + 40)
        )
    if length > 16384 + size // 4:  # in memory it takes about seven times its length
        raise Damaged("its table of contents is larger than its contents")
    file.seek(0)
