"""PNG files carry what made them, and nothing is ever half-written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from c2l.errors import BadPicture, NotWritable
from c2l.images import make_grid, read_png, to_pil, write_png


def test_the_record_comes_back(tmp_path: Path) -> None:
    record = {"prompt": "ein Mädchen 🙂", "seed": 3, "settings": {"guidance": 1.5, "steps": None}}
    write_png(tmp_path / "a.png", Image.new("RGB", (4, 4)), record)
    assert read_png(tmp_path / "a.png") == record


def test_other_tools_find_the_parameters(tmp_path: Path) -> None:
    write_png(
        tmp_path / "a.png",
        Image.new("RGB", (4, 4)),
        {"schema": "c2l/2", "prompt": "a happy man", "seed": 7, "guidance": 2.0, "parts": {}},
    )
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["parameters"] == "a happy man\nSeed: 7, guidance: 2.0"


@given(st.floats(-3, 3, width=32))
def test_pixels_round_as_the_official_scripts_do(value: float) -> None:
    pixel = to_pil(torch.full((3, 1, 1), value)).getpixel((0, 0))
    assert pixel == (int(min(max(torch.tensor(value).mul(127.5).add(128).item(), 0), 255)),) * 3


def test_a_grid_keeps_order_row_by_row() -> None:
    tiles = [Image.new("RGB", (2, 3), (i, 0, 0)) for i in range(5)]
    grid = make_grid(tiles, columns=3)
    assert grid.size == (14, 10)  # 4 pixels between them
    assert [grid.getpixel((x, y))[0] for y in (0, 7) for x in (0, 6, 12)] == [0, 1, 2, 3, 4, 255]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n truncated"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(BadPicture, match=r"x\.png is not a picture"):
        read_png(tmp_path / "x.png")


@pytest.mark.parametrize("chunk", [None, "no json", "[]", "7", "[" * 5000])
def test_a_picture_without_a_record_says_so(tmp_path: Path, chunk: str | None) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if chunk is not None:
        info.add_itxt("c2l", chunk)
    Image.new("RGB", (2, 2)).save(tmp_path / "x.png", pnginfo=info)
    with pytest.raises(BadPicture, match="carries no c2l record"):
        read_png(tmp_path / "x.png")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="cannot write"):
        write_png(tmp_path / "no" / "x.png", Image.new("RGB", (2, 2)), {})
    assert list(tmp_path.iterdir()) == []
