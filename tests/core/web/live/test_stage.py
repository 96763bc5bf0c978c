"""The thread that draws: the newest values, rest where nothing moves, and no end by a fault."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from c2l.errors import BadInput
from c2l.service import LivePicture, LiveValues
from c2l.web.live.board import Board
from c2l.web.live.newest import Newest
from c2l.web.live.once import Once
from c2l.web.live.stage import Stage


class Slow:
    """A picture that shows its seed, and waits until the test has seen it."""

    def __init__(self, fault: Callable[[int], Exception | None] = lambda seed: None) -> None:
        self.seed = -1
        self.fault = fault
        self.drawn = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.seeds: list[int] = []

    def move(self, values: LiveValues, seconds: float) -> bool:
        self.seed = int(values.seed)
        return not values.walk

    def draw(self) -> bytes:
        self.seeds.append(self.seed)
        self.drawn.release()
        self.go_on.acquire()
        if fault := self.fault(self.seed):
            raise fault
        return str(self.seed).encode()


@contextmanager
def staged(picture: Slow, said: list[str]) -> Iterator[tuple[Board, Newest]]:
    say = Once(said.append)
    board, newest = Board(LiveValues(seed=0), say), Newest()
    stage = Stage(cast(LivePicture, picture), board, newest, fps=1000, say=say)
    stage.start()
    try:
        yield board, newest
    finally:
        picture.go_on.release(1000)
        stage.close()


@pytest.mark.timeout(60)
def test_while_a_frame_is_drawn_messages_do_not_queue() -> None:
    picture, said = Slow(), []
    with staged(picture, said) as (board, newest):
        picture.drawn.acquire()
        for seed in range(1, 101):
            board.take("/c2l/seed", [seed])
        picture.go_on.release()
        picture.drawn.acquire()
        assert picture.seeds == [0, 100]
        picture.go_on.release()
        assert not picture.drawn.acquire(timeout=0.2)  # and then it rests
        assert newest.frame and newest.frame.jpeg == b"100" and newest.frame.message == 100
        board.take("/c2l/walk", [1])
        for _ in range(3):  # what moves is drawn again and again
            picture.drawn.acquire()
            picture.go_on.release()
    assert not said


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("fault", "words"),
    [(BadInput("too odd", hint="Even ones"), "too odd"), (ZeroDivisionError("x"), "internal")],
)
def test_after_a_fault_the_show_goes_on(fault: Exception, words: str) -> None:
    picture = Slow(lambda seed: fault if seed % 2 else None)
    picture.go_on.release(1000)
    said: list[str] = []
    with staged(picture, said) as (board, newest):
        for seed in (1, 3, 4):
            picture.drawn.acquire()
            board.take("/c2l/seed", [seed])
        picture.drawn.acquire()
    assert newest.frame and newest.frame.jpeg == b"4"
    (line,) = said
    assert words in line


@pytest.mark.timeout(60)
def test_it_ends_while_it_draws() -> None:
    picture, said = Slow(), []
    with staged(picture, said) as (board, _):
        picture.drawn.acquire()
        threading.Timer(0.2, picture.go_on.release).start()
        board.close()  # as ``Stage.close`` does, before the frame is drawn
    assert not said
