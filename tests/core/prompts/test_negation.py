"""Which prompts negate, what is left of them, and what is unwanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2l.prompts.negation import find_negation


@pytest.mark.parametrize(
    ("text", "rest", "negative"),
    [
        ("a man without a beard, no glasses, no hat", "a man", "beard, glasses, hat"),
        ("a man without a beard, glasses or a hat", "a man", "beard, glasses, hat"),
        ("a man without a beard and glasses in the city", "a man in the city", "beard, glasses"),
        ("a man with no beard or glasses by the sea", "a man by the sea", "beard, glasses"),
        ("a man with no beard and a red cap", "a man with a red cap", "beard"),
        ("a man with a hat and no beard and a smile", "a man with a hat and a smile", "beard"),
        ("a young man with a moustache and no beard", "a young man with a moustache", "beard"),
        ("a man with neither a beard nor glasses", "a man", "beard, glasses"),
        ("no hat, a man", "a man", "hat"),
        ("a man (no hat)", "a man", "hat"),
        ("a man who doesn't have a beard", "a man", "beard"),
        ("a woman who isn\u2019t smiling, at night", "a woman, at night", "smiling"),
        ("a man not wearing a hat", "a man", "hat"),
        ("a hill, please don't draw any trees", "a hill", "trees"),
        ("A man. No hat. No dark glasses!", "A man", "hat, dark glasses"),
        ("a man without sunglasses hatless in the snow", "a man hatless in the snow", "sunglasses"),
        ("a beardless man with no hair indoors", "a beardless man indoors", "hair"),
        ("a landscape free of clouds, with a moon", "a landscape, with a moon", "clouds"),
        ("a view sans snow", "a view", "snow"),
        ("no hat", "", "hat"),
    ],
)
def test_negation_is_taken_apart(text: str, rest: str, negative: str) -> None:
    found = find_negation(text)
    assert found is not None
    assert (found.prompt, ", ".join(found.negative)) == (rest, negative)
    assert find_negation(found.prompt) is None


@pytest.mark.parametrize(
    "text",
    [
        "a hatless, clean-shaven man",
        "a cloudless sky over a treeless hill",
        "no one on the beach",
        "a beach with no-one on it",
        "not only a man but a king",
        "a no man's land",
        "No. 5, a perfume",
        "no 7",
        "a man no longer young",
        "no matter what, a smile",
        "a knot, a note and a minus-sign",
        "Notre Dame in november",
        "a casino at noon",
    ],
)
def test_no_false_alarm(text: str) -> None:
    assert find_negation(text) is None


THINGS = ["beard", "dark glasses", "hat", "palm trees", "snow"]
PLAIN = ["a man", "an old woman by the sea", "photo of a hill"]


@given(
    plain=st.sampled_from(PLAIN),
    things=st.lists(st.sampled_from(THINGS), min_size=1, max_size=4, unique=True),
    cue=st.sampled_from(["no", "without", "without a", "without any", "with no", "not with a"]),
    place=st.sampled_from(["", " in the city", " at night", " under a blue sky"]),
)
def test_every_thing_of_a_list_is_found(
    plain: str, things: list[str], cue: str, place: str
) -> None:
    found = find_negation(", ".join([plain, *(f"{cue} {thing}" for thing in things)]) + place)
    assert found is not None
    assert (found.prompt.replace(",", ""), found.negative) == (plain + place, tuple(things))


@given(st.text(alphabet="no tabewihu,.()'\u2019 \n", max_size=60) | st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    found = find_negation(text)
    assert found is None or all(found.negative)
