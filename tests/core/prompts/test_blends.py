"""Weights after a colon, and texts that cannot be drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2l.errors import BadInput
from c2l.prompts.blends import check_text, name_of, parse_weighted


@pytest.mark.parametrize(
    ("typed", "text", "weight"),
    [
        ("a pirate:0.4", "a pirate", 0.4),
        ("a pirate: 0.5", "a pirate", 0.5),
        ("a pirate:.5", "a pirate", 0.5),
        ("a pirate", "a pirate", 1.0),
        ("b:2", "b", 2.0),
        ("at 10: a clock", "at 10: a clock", 1.0),
        ("a man: smiling:0.5", "a man: smiling", 0.5),
        ("a man at 12:30", "a man at 12:30", 1.0),
        ("a man at 12:30:0.5", "a man at 12:30", 0.5),
        ("in 16:9", "in 16:9", 1.0),
        ("gate 7:2.0", "gate 7", 2.0),
        ("a man\nsmiling:0.5", "a man\nsmiling", 0.5),
        ("a pirate:0.4 \n", "a pirate", 0.4),
    ],
)
def test_weights_are_read_from_the_end(typed: str, text: str, weight: float) -> None:
    assert parse_weighted(typed) == (text, weight)


@pytest.mark.parametrize(
    "typed", ["beard:x", "beard:", "beard:-1", "beard:nan", "a:half", "a:0,5", "a:1e3", "a:50%"]
)
def test_a_mistyped_weight_is_no_part_of_the_text(typed: str) -> None:
    with pytest.raises(BadInput, match="is not a number above 0") as caught:
        parse_weighted(typed)
    assert "'beard:0.5'" in caught.value.hint or "'a:0.5'" in caught.value.hint


@pytest.mark.parametrize("typed", [":0.4", ": 2", " :.5 "])
def test_a_weight_needs_a_text(typed: str) -> None:
    with pytest.raises(BadInput, match="is a weight without a text"):
        parse_weighted(typed)


@given(st.text("ab 1", min_size=1).filter(str.strip), st.floats(0.01, 99))
def test_what_is_written_with_a_point_reads_back(text: str, weight: float) -> None:
    assert parse_weighted(f"{text.strip()}:{weight:.3f}") == (text.strip(), float(f"{weight:.3f}"))


@pytest.mark.parametrize("text", ["", "  ", "\u2028", "caf\udce9", "a\0b"])
def test_what_cannot_be_drawn(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_text(text, "negative")
    assert caught.value.field == "negative"


def test_a_blend_in_one_line() -> None:
    assert name_of({"a man": 1, "a pirate": 0.4}) == "a man + a pirate:0.4"
    assert name_of({"a man": 0.4}) == "a man"
