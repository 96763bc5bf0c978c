"""Messages on the board: what they change, and what is said of those that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

import pytest

from c2l.service import LiveValues
from c2l.web.live.board import Board
from c2l.web.live.once import Once

START = LiveValues(prompt="a man", seed=1, directions={"smile": 0.0})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def board(said: list[str]) -> Board:
    return Board(START, said.append)


@pytest.mark.parametrize(
    ("address", "arguments", "changed"),
    [
        ("/c2l/seed", [7], {"seed": 7, "cues": 1}),
        ("/c2l/seed", [3.25], {"seed": 3.25, "cues": 1}),
        ("/c2l/guidance", [2], {"guidance": 2.0}),
        ("/c2l/adherence", [0.5], {"adherence": 0.5}),
        ("/c2l/truncation", [-0.5], {"truncation": -0.5}),
        ("/c2l/glide", [0], {"glide": 0.0}),
        ("/c2l/walk", [-2], {"walk": -2.0}),
        ("/c2l/direction/smile", [1.5], {"directions": {"smile": 1.5}}),
        ("/c2l/prompt", ["a happy woman"], {"prompt": {"a happy woman": 1.0}}),
        ("/c2l/prompt", ["a", "happy", "woman"], {"prompt": {"a happy woman": 1.0}}),
        ("/c2l/prompt", ["a man", 0.7, "a", "pirate", 0.3],
         {"prompt": {"a man": 0.7, "a pirate": 0.3}}),
        ("/c2l/prompt", ["a man", 1.0, "a pirate", 0.0], {"prompt": {"a man": 1.0}}),
        ("/c2l/class", [207], {"class_label": 207}),
        ("/c2l/class", [207.0], {"class_label": 207}),
        ("/c2l/class", ["golden", "retriever"], {"class_label": "golden retriever"}),
        ("/c2l/class", [], {"class_label": None}),
        ("/c2l/prompt", [""], {"prompt": None}),
        ("/c2l/prompt", [], {"prompt": None}),
    ],
)  # fmt: skip
def test_a_message_changes_one_value(
    board: Board, said: list[str], address: str, arguments: Sequence[object], changed: dict
) -> None:
    board.take(address, arguments)
    values, number = board.newest()
    assert number == 1 and not said
    assert dict(values) == {**dict(START), **changed}


@pytest.mark.parametrize(
    ("address", "arguments", "words"),
    [
        ("/c2l/seed", ["x"], "one number is wanted, not 'x'"),
        ("/c2l/seed", [True], "one number is wanted, not True"),
        ("/c2l/seed", [], "not nothing"),
        ("/c2l/seed", [1, 2], "not 1, 2"),
        ("/c2l/seed", [-1], "-1 is below 0"),
        ("/c2l/guidance", [float("nan")], "nan is not a finite number"),
        ("/c2l/walk", [99], "99 is above 10"),
        ("/c2l/direction/frown", [1], "no direction 'frown'. Here: smile"),
        ("/c2l/direction/smile", [1e9], "is above 100"),
        ("/c2l/prompt", [1.0], "a text is wanted"),
        ("/c2l/prompt", ["a man", 1.0, "a pirate"], "the last text has no weight"),
        ("/c2l/prompt", ["a man", 0.0], "all weights are 0"),
        ("/c2l/prompt", ["a man", -1.0], "weights are above 0"),
        ("/c2l/prompt", [b"blob"], "a text is wanted"),
        ("/c2l/prompt", ["x" * 3000], "3,000 characters are too long"),
        ("/c2l/cues", [1], "nothing listens"),
        ("/c2l/seed/deeper", [1], "nothing listens"),
        ("/c2l/direction", [1], "nothing listens"),
        ("/c2l/class", [1.5], "the name or number of a class is wanted, not 1.5"),
        ("/c2l/class", [float("nan")], "the name or number of a class is wanted, not nan"),
        ("/c2l/class", [True], "the name or number of a class is wanted, not True"),
        ("/seed", [1], "Send to /c2l/prompt, /c2l/class, /c2l/seed"),
        ("", [], "nothing listens"),
    ],
)
def test_a_message_that_cannot_be_used_is_said_and_changes_nothing(
    board: Board, said: list[str], address: str, arguments: Sequence[object], words: str
) -> None:
    board.take(address, arguments)
    assert board.newest() == (START, 0)
    (line,) = said
    assert line.startswith(f"{address}: ") and words in line and "`" not in line


def test_a_message_ends_the_wait_for_it(board: Board) -> None:
    waiting = Thread(target=board.wait, args=(0,))
    waiting.start()
    board.take("/c2l/seed", [2])
    waiting.join(10)
    assert not waiting.is_alive()
    board.wait(0)  # one that came before is not waited for


def test_what_is_alike_is_said_once_and_in_plain_letters(said: list[str]) -> None:
    say = Once(said.append)
    for number in range(5):
        say(f"/c2l/seed: -{number}.5 is below 0")
    say("/evil\x1b[2J\n\u202e: nothing listens")
    assert said == ["/c2l/seed: -0.5 is below 0", "/evil [2J  : nothing listens"]
    for letters in range(500):
        say("x" * letters)
    assert len(said) <= 100 and max(map(len, said)) <= 300
