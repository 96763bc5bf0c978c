"""Negation is looked for in no more time than a prompt is worth."""

from __future__ import annotations

import time

import pytest

from c2l.prompts.negation import find_negation


@pytest.mark.parametrize("text", ["a man" + " " * 50_000 + "no hat", ",;" * 20_000, "but " * 9_000])
def test_long_prompts_take_no_time(text: str) -> None:
    start = time.perf_counter()
    find_negation(text)
    assert time.perf_counter() - start < 1


def test_blanks_between_words_do_not_matter() -> None:
    found = find_negation("a man\n" + " " * 5_000 + "without   a\tbeard")
    assert found is not None and (found.prompt, found.negative) == ("a man", ("beard",))
