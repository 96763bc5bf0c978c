"""Prompts that lie far from what a generator draws."""

from __future__ import annotations

import pytest

from c2l.embedder import TextReading
from c2l.prompts.far import is_far
from c2l.testing import ToyEmbedder


class Reading(ToyEmbedder):
    """Does not know two words."""

    def read_text(self, prompt: str) -> TextReading:
        return TextReading(unknown=tuple(w for w in prompt.split() if w in ("Hatsune", "Miku")))


@pytest.mark.parametrize(("best", "far"), [(0.5, False), (0.3, False), (0.29, True)])
def test_the_best_picture_decides(best: float, far: bool) -> None:
    assert is_far(Reading(), "a man", best, 0.3) is far
    assert not is_far(Reading(), "a man", best, None)


@pytest.mark.parametrize(
    ("prompt", "far"),
    [("Hatsune Miku", True), ("a Miku of the Hatsune", True), ("a red Miku", False)],
)
def test_a_prompt_of_which_no_word_is_known_is_far(prompt: str, far: bool) -> None:
    assert is_far(Reading(), prompt, 0.9, 0.3) is far
