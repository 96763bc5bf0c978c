"""Files of prompts: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2l.errors import BadInput
from c2l.prompts.files import read_distinct_prompts, read_prompts


def written(folder: Path, data: bytes) -> Path:
    path = folder / "prompts.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"a man\nein M\xc3\xa4dchen\n",
        b"\xef\xbb\xbfa man\r\nein M\xc3\xa4dchen",
        b"\n a man \n\n \nein M\xc3\xa4dchen\n\n",
    ],
)
def test_one_prompt_a_line_and_blank_lines_are_skipped(tmp_path: Path, data: bytes) -> None:
    assert read_prompts(written(tmp_path, data)) == ["a man", "ein Mädchen"]


def test_only_line_ends_of_editors_split(tmp_path: Path) -> None:
    assert read_prompts(written(tmp_path, "a\u2028man\x0b\nb".encode())) == ["a\u2028man", "b"]


def test_repeated_lines_are_kept_unless_each_prompt_is_to_count_once(tmp_path: Path) -> None:
    path = written(tmp_path, b"a man\na girl\na man\n")
    assert read_prompts(path) == ["a man", "a girl", "a man"]
    assert read_distinct_prompts(path) == ["a man", "a girl"]


@pytest.mark.parametrize(
    "data",
    ["ein Mädchen".encode("latin-1"), "a man\n".encode("utf-16"), "a man\n".encode("utf-16-le")],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInput, match="is not in UTF-8"):
        read_prompts(written(tmp_path, data))


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_a_file_without_prompts_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInput, match="holds no prompt"):
        read_prompts(written(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        read_prompts(tmp_path / "none.txt")
