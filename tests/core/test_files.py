"""Files: text and TOML as people save them, and why one cannot be written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from c2l.errors import BadInput, NotWritable
from c2l.files import read_json, read_text, read_toml, write_atomically
from c2l_registry.paths import cannot_write


def write(folder: Path, data: bytes) -> Path:
    path = folder / "x.toml"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_with_and_without_a_byte_order_mark(tmp_path: Path, start: bytes, end: bytes) -> None:
    path = write(tmp_path, start + "a = 'é'".encode() + end + b"b = 2" + end)
    assert read_toml(path) == {"a": "é", "b": 2}
    assert read_text(path).startswith("a = ")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a = ", "is not TOML"),
        (b"a = '\xff'", "is not in UTF-8"),
        ("a = 1".encode("utf-16"), "is not in UTF-8"),
        (b"\0", "zero bytes"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read_toml(write(tmp_path, data))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(BadInput, match="cannot read"):
            read_toml(path)


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b"[" * 5000])
def test_what_is_not_a_json_object(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"is not (JSON:|a JSON object)") as caught:
        read_json(path, field="out")
    assert caught.value.field == "out" and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EEXIST, "x: it is a file, not a folder. Choose another place"),
        (errno.ENOTDIR, "x: it is a file, not a folder. Choose another place"),
        (errno.ENOSPC, "x: No space left on device. Make room, or choose another place"),
        (errno.EROFS, "x: Read-only file system. Choose another place"),
    ],
)
def test_why_a_file_cannot_be_written(tmp_path: Path, number: int, says: str) -> None:
    error = cannot_write(tmp_path / "x", OSError(number, os.strerror(number)))
    assert str(error) == f"cannot write {tmp_path}/{says}"


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    taken = write(tmp_path, b"")
    with pytest.raises(NotWritable, match=f"cannot write {taken}: it is a file, not a folder"):
        write_atomically(taken / "sub" / "x", b"")
