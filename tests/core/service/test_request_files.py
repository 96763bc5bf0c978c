"""Requests in TOML and JSON, and what is given beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from c2l.errors import BadInput
from c2l.images import write_png
from c2l.service import read_request


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "request.toml"
    path.write_text('prompts = ["a man", "a woman"]\nseeds = "1-3"\nguidance = 2\n', "utf-8-sig")
    return path


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"prompts": ["a man", "a woman"], "seeds": [1, 2, 3]}),
        ({"prompt": "a boy"}, {"prompts": ["a boy"], "seeds": [1, 2, 3]}),
        ({"num_images": 2}, {"prompts": ["a man", "a woman"], "num_images": 2}),
        ({"seed": 7}, {"prompts": ["a man", "a woman"], "seed": 7}),
        ({"seed": 7, "num_images": 2}, {"prompts": ["a man", "a woman"], "seed": 7,
                                        "num_images": 2}),
        ({"seeds": "9"}, {"prompts": ["a man", "a woman"], "seeds": [9]}),
    ],
)  # fmt: skip
def test_what_is_given_wins_over_the_file(
    file: Path, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read_request(file, **changes).to_dict() == {"guidance": 2.0, **expected}


def test_a_prompt_in_json_gives_way_to_prompts(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"prompt": "a man", "seed": 3, "num_images": 4}))
    request = read_request(path, prompts=["a boy", "a girl"], seeds="5,7")
    assert request.to_dict() == {"prompts": ["a boy", "a girl"], "seeds": [5, 7]}
    assert read_request(path, num_images=2).to_dict() == {
        "prompts": ["a man"],
        "seed": 3,
        "num_images": 2,
    }


def test_a_blend_needs_a_prompt(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({"latents": {"op": "random", "seed": 1}}))
    assert read_request(path).latents is not None
    with pytest.raises(BadInput, match="no prompt to blend into") as caught:
        read_request(path, also=["a cat"])
    assert caught.value.field == "also"


def test_a_part_that_is_replaced_has_other_weights(tmp_path: Path) -> None:
    """Only parts that are still the record's own are compared with its fingerprints."""
    prints = {"generator": "0" * 16, "prior": "1" * 16}
    record = {"schema": "c2l/2", "prompt": "a man", "seed": 1, "fingerprints": prints}
    write_png(tmp_path / "a.png", Image.new("RGB", (2, 2)), record)
    assert read_request(tmp_path / "a.png").fingerprints == prints
    changed = read_request(tmp_path / "a.png", prior="flow:demo-faces")
    assert changed.fingerprints == {"generator": "0" * 16}
