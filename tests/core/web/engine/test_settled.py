"""What a server keeps out of Python's search for cycles, and gives back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from c2l.web.engine.settled import settle, unsettle


class Part:
    """Knows itself, as pipelines and their parts know each other."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_loaded_part_is_looked_at_no_more_until_it_may_go() -> None:
    part = Part()
    settle()
    seen = weakref.ref(part)
    del part
    gc.collect()
    assert seen() is not None
    unsettle()
    gc.collect()
    assert seen() is None


def test_what_was_dropped_before_another_is_loaded_goes_then() -> None:
    part = Part()
    settle()
    seen = weakref.ref(part)
    del part
    settle()
    assert seen() is None
