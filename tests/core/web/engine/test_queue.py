"""Turns, batches, and an end of the queue."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import pytest

from c2l.web.engine.queue import FairQueue, Turnstile
from c2l.web.engine.refusals import Busy, Full


@dataclass(eq=False)
class Item:
    who: str
    group: Hashable | None = None
    weight: int = 1


def taken(queue: FairQueue[Item], most: int = 1) -> list[list[str]]:
    """Everything that waits, as it is taken."""
    batches = []
    while batch := queue.take(most, timeout=0):
        batches.append([item.who for item in batch])
    return batches


def queue_of(*items: Item, most: int = 100) -> FairQueue[Item]:
    queue: FairQueue[Item] = FairQueue(most)
    for item in items:
        queue.put([item])
    return queue


def test_clients_take_turns_however_much_one_of_them_wants() -> None:
    queue = queue_of(*[Item("greedy") for _ in range(3)], Item("modest"), Item("late"))
    assert taken(queue) == [["greedy"], ["modest"], ["late"], ["greedy"], ["greedy"]]
    assert queue.weight == len(queue) == 0


def test_what_belongs_together_is_taken_together_one_of_each_client_in_turn() -> None:
    queue = queue_of(
        Item("a", "x"), Item("a", "x"), Item("a", "x"), Item("b", "y"), Item("b", "x"), Item("c")
    )
    assert taken(queue, most=3) == [["a", "b", "a"], ["c"], ["b"], ["a"]]


def test_a_batch_has_no_more_pictures_than_it_may() -> None:
    queue = queue_of(Item("a", "x", 3), Item("b", "x", 3), Item("c", "x", 1), Item("d", "x", 9))
    assert taken(queue, most=4) == [["a", "c"], ["b"], ["d"]]


def test_it_is_full_by_weight_and_takes_anything_when_it_is_empty() -> None:
    queue = queue_of(Item("a", weight=9), most=5)
    with pytest.raises(Full):
        queue.put([Item("b")])
    assert taken(queue) == [["a"]]
    queue.put([Item("b", weight=5)])
    assert queue.weight == 5


def test_who_leaves_makes_room() -> None:
    stays, leaves = Item("a"), Item("b", weight=4)
    queue = queue_of(stays, leaves, most=5)
    assert queue.remove(leaves) and not queue.remove(leaves)
    queue.put([Item("c", weight=4)])
    assert taken(queue) == [["a"], ["c"]]


def test_closing_gives_back_what_waited() -> None:
    items = [Item("a"), Item("b"), Item("a")]
    queue = queue_of(*items)
    assert set(map(id, queue.close())) == set(map(id, items))
    assert queue.closed and queue.take(1) == []


def test_a_client_has_so_many_requests_at_once() -> None:
    turnstile = Turnstile(2)
    turnstile.enter("a")
    turnstile.enter("a")
    turnstile.enter("b")
    with pytest.raises(Busy):
        turnstile.enter("a")
    turnstile.leave("a")
    turnstile.enter("a")
