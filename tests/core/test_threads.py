"""One thread computes with less; no other thread of the process can see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from c2l.pairs import build_pairs
from c2l.testing import toy_parts
from c2l.threads import can_limit_a_thread, leaving_a_core, limit_this_thread, single_threaded

pytestmark = pytest.mark.skipif(
    not can_limit_a_thread(), reason="this build of torch cannot limit one thread alone"
)


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_only_the_calling_thread_is_limited() -> None:
    with single_threaded():
        assert torch.get_num_threads() == 1
        assert in_new_thread() == 3
    assert torch.get_num_threads() == in_new_thread() == 3


def test_the_number_comes_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), single_threaded():
        _ = 1 / 0
    assert torch.get_num_threads() == 3


def test_a_limit_stays_with_its_thread() -> None:
    def work() -> None:
        limit_this_thread(2)
        found.append((torch.get_num_threads(), in_new_thread()))

    found: list[tuple[int, int]] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(2, 3)] and torch.get_num_threads() == 3


def test_making_pairs_changes_nothing_for_others(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(done: int, total: int) -> None:
        seen.append(in_new_thread())

    build_pairs(*toy_parts(), 40, tmp_path, batch_size=8, on_progress=look)
    assert len(seen) > 3 and set(seen) == {3}
    assert torch.get_num_threads() == 3


def test_a_thread_leaves_a_core_and_takes_it_back() -> None:
    before = torch.get_num_threads()
    seen: list[int] = []

    def work() -> None:
        limit_this_thread(3)
        for _ in range(2):
            with leaving_a_core():
                seen.append(torch.get_num_threads())
            seen.append(torch.get_num_threads())

    apart = threading.Thread(target=work)
    apart.start()
    apart.join()
    assert seen == [2, 3, 2, 3]
    assert torch.get_num_threads() == before
