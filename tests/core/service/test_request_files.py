"""Requests in TOML and JSON files, and what a caller changes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from c2l.errors import BadInput
from c2l.service import Request, read_request


def write(folder: Path, **fields: Any) -> Path:
    path = folder / "request.json"
    path.write_text(json.dumps(fields))
    return path


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml = tmp_path / "request.toml"
    toml.write_text('prompt = "a man"\nseeds = "1-3"\n[negative]\nhat = 2\n')
    path = write(tmp_path, prompt="a man", seeds=[1, 2, 3], negative={"hat": 2})
    asked = Request(prompt="a man", seeds=[1, 2, 3], negative={"hat": 2})
    assert read_request(toml) == read_request(path) == asked


@pytest.mark.parametrize(
    ("fields", "changes", "seeds"),
    [
        ({"seeds": [5, 6]}, {"seed": 1}, [1]),
        ({"seeds": [5, 6]}, {"seed": 1, "num_images": 3}, [1, 2, 3]),
        ({"seed": 5, "num_images": 2}, {"seeds": "9"}, [9]),
        ({"seed": 5, "num_images": 2}, {"num_images": 3}, [5, 6, 7]),
    ],
)
def test_changes_replace_other_spellings(
    tmp_path: Path, fields: dict[str, Any], changes: dict[str, Any], seeds: list[int]
) -> None:
    path = write(tmp_path, prompts=["a man"], **fields)
    request = read_request(path, **changes, prompt="a dog", also=["a cat:0.5"])
    assert request.prompts == ({"a dog": 1.0, "a cat": 0.5},)
    assert [list(some) for some in request.seed_lists] == [seeds]


def test_a_blend_needs_a_prompt(tmp_path: Path) -> None:
    path = write(tmp_path, latents={"op": "random", "seed": 1})
    assert read_request(path).latents is not None
    with pytest.raises(BadInput, match="no prompt to blend into") as caught:
        read_request(path, also=["a cat"])
    assert caught.value.field == "also"


def test_what_is_wrong_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"request\.json: `steps=0` is below 1") as caught:
        read_request(write(tmp_path, prompt="a man", steps=0))
    assert caught.value.field == "from_file"
