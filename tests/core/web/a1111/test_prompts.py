"""Prompts of AUTOMATIC1111's web UI in plain words."""

from __future__ import annotations

import pytest

from c2l.web.a1111.prompts import plain_prompt


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("a happy man", "a happy man"),
        ("(best quality:1.2), a woman with ((red hair)), <lora:details:0.6>",
         "best quality, a woman with red hair"),
        ("[a hat : 0.8], (glasses)", "a hat, glasses"),
        (r"a cat \(animal\)", "a cat (animal)"),
        ("a man\nBREAK\nby the sea,, ,", "a man by the sea"),
        ("ratio 16:9", "ratio 16:9"),
        ("<not a network>", "<not a network>"),
        ("(((", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_plain(written: str, plain: str) -> None:
    assert plain_prompt(written) == plain


@pytest.mark.parametrize("part", ["(", ":1", ",", " ", " ,", "<lora:", "(a:1", "\\("])
def test_long_prompts_take_no_longer_than_their_length(part: str) -> None:
    """In a time that grows with the square this would run into the limit of the suite."""
    plain_prompt(part * (300_000 // len(part)))
