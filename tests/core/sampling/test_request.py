"""One description of a request, in its spellings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from c2l.errors import BadInput
from c2l.sampling.request import DrawRequest, DrawSettings, Request
from c2l.sampling.seed_lists import format_seeds, parse_seeds

TEXTS = st.text(min_size=1, max_size=12).filter(
    lambda t: t.strip() and "\0" not in t and t.isprintable()
)
WEIGHTS = st.floats(0.01, 100)
BLENDS = st.dictionaries(TEXTS, WEIGHTS, min_size=1, max_size=3)
SEEDS = st.integers(0, 2**64 - 1)


@given(
    st.lists(BLENDS, min_size=1, max_size=3),
    st.lists(SEEDS, min_size=1, max_size=4),
    st.none() | st.floats(0, 100),
    st.none() | st.floats(-2, 2),
    st.none() | BLENDS,
)
def test_it_survives_json(
    prompts: list[dict[str, float]],
    seeds: list[int],
    guidance: float | None,
    truncation: float | None,
    negative: dict[str, float] | None,
) -> None:
    request = Request(
        prompts=prompts,
        seeds=seeds,
        guidance=guidance,
        truncation=truncation,
        negative=negative,
        recipe="demo-faces",
    )
    again = Request(**json.loads(json.dumps(request.to_dict())))
    assert again == request and again.to_dict() == request.to_dict()


@pytest.mark.parametrize(
    "spelling",
    [
        {"prompt": "a man", "seeds": "3-5"},
        {"prompts": ["a man"], "seeds": [3, 4, 5]},
        {"prompts": "a man", "seed": 3, "num_images": 3},
        {"prompt": {"a man": 1}, "seeds": [[3, 4, 5]]},
        {"prompt": [["a man", 1]], "seeds": range(3, 6)},
        {"prompt": "a man", "prompts": None, "seeds": np.arange(3, 6)},
        {"prompt": None, "prompts": ["a man"], "seeds": torch.arange(3, 6)},
    ],
)
def test_spellings_of_one_request(spelling: dict[str, Any]) -> None:
    request = DrawRequest(**spelling)
    assert request.prompts == ({"a man": 1.0},)
    assert [list(seeds) for seeds in request.seed_lists] == [[3, 4, 5]]
    assert request.num_pictures == 3


def test_what_is_unwanted_is_listed() -> None:
    assert DrawSettings(negative="beard, hat:2 ,").negative == {"beard": 1.0, "hat": 2.0}
    assert DrawSettings(negative="hat, beard, hat").negative == {"hat": 1.0, "beard": 1.0}
    assert DrawSettings(negative={"a beard, a hat": 1}).negative == {"a beard, a hat": 1.0}
    assert DrawSettings(negative=[["beard", 2]]).negative == {"beard": 2.0}
    assert DrawSettings(negative="").negative is None


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({}, "prompts", "nothing to draw"),
        ({"prompt": "a", "prompts": ["b"]}, "prompts", "both"),
        ({"prompt": 3}, "prompts", "a text"),
        ({"prompt": [["a", "b", "c"]]}, "prompts", "not a text and its weight"),
        ({"prompt": [5]}, "prompts", "5 is not a text and its weight"),
        ({"prompt": {"a": None}}, "prompts", "the weight of 'a' is not a number"),
        ({"prompt": {"a": 10**400}}, "prompts", "above 0 and finite"),
        ({"prompt": "a", "negative": {"b": 0}}, "negative", "weights are above 0"),
        ({"prompt": "a", "seeds": "1-"}, "seeds", "not a list of seeds"),
        ({"prompt": "a", "seeds": "5-1"}, "seeds", "backwards"),
        ({"prompt": "a", "seeds": [1.5]}, "seeds", "1.5 is not a seed"),
        ({"prompt": "a", "seeds": [True]}, "seeds", "True is not a seed"),
        ({"prompt": "a", "seeds": {"a": 1}}, "seeds", "not a list of seeds"),
        ({"prompts": ["a", "b"], "seeds": [[1], 2]}, "seeds", r"\[1\] is not a seed"),
        ({"prompts": ["a", "b"], "seeds": [[1], []]}, "seeds", "no picture"),
        ({"prompt": "a", "seeds": np.array([0.5])}, "seeds", "0.5 is not a seed"),
        ({"prompt": "a", "seeds": [1], "num_images": 2}, "seeds", "already say how many"),
        ({"prompt": "a", "num_images": 10**9}, "num_images", "more than 1,000,000"),
        ({"prompt": "a", "colour": "red"}, "colour", "unknown"),
        ({"prompt": "a", "guidance": "much"}, "guidance", "number"),
        ({"prompt": "a", "latents": {"op": "dance"}}, "latents", "op"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        DrawRequest(**wrong)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", [[1], "a man", None])
def test_a_body_that_is_not_an_object(body: Any) -> None:
    with pytest.raises(ValidationError):
        DrawRequest.model_validate(body)


def test_all_faults_are_said_together() -> None:
    with pytest.raises(BadInput, match="`guidance=101` is above 100; `steps=0` is below 1"):
        DrawSettings(guidance=101, steps=0)


def test_the_first_seed_is_picked_once() -> None:
    request = DrawRequest(prompt="a", num_images=2)
    chosen = request.with_seeds()
    assert chosen.seed is not None and chosen.with_seeds() is chosen
    assert len({request.with_seeds().seed for _ in range(5)}) > 1


def test_defaults_fill_what_is_open() -> None:
    recipe = DrawSettings(guidance=1.0, truncation=0.7)
    assert DrawSettings(steps=3).with_defaults(recipe).given == {
        "guidance": 1.0,
        "steps": 3,
        "truncation": 0.7,
    }
    assert DrawSettings(negative="hat").with_defaults(recipe).guidance == 1
    led = DrawSettings(negative="hat", negative_by="guidance")
    assert led.with_defaults(recipe).guidance is None


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), min_size=1, max_size=5))
def test_seed_lists_read_back(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{a}-{a + n}" if n else str(a) for a, n in ranges)
    seeds = parse_seeds(text)
    assert list(seeds) == [s for a, n in ranges for s in range(a, a + n + 1)]
    assert parse_seeds(format_seeds(seeds)) == seeds


@given(st.text("0123456789,- x", max_size=40))
def test_anything_else_is_refused(text: str) -> None:
    try:
        assert all(0 <= seed < 2**64 for seed in parse_seeds(text))
    except ValueError as error:
        assert str(error)
