"""Prompts on which fixed bridges are compared once more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import other_prompts
from resistance import NUM_PROMPTS, PROMPT_SEED
from worlds import World

from c2l import Question


def test_other_prompts_are_none_of_the_table() -> None:
    def questions(num: int, seed: int) -> list[Question]:
        start = 0 if seed == PROMPT_SEED else NUM_PROMPTS - 1
        return [Question(f"a {i}", {"number": i}) for i in range(start, start + num)]

    world = cast("World", SimpleNamespace(judge=SimpleNamespace(questions=questions)))
    asked = [q.prompt for q in other_prompts.other_questions(world, 4)]
    assert asked == [f"a {NUM_PROMPTS + i}" for i in range(3)]
