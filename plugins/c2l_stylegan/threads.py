"""Threads that each go through many small steps alone.

torch divides every single operation among its threads and lets them wait for each other at its end.
What is fast here, though, are long sequences of operations so small that their data stay in a
core's cache: to divide those costs more than it brings, and many times as much where another
program takes one of the cores for a moment. So work is divided at large, and torch computes with a
single thread in each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Semaphore
from typing import Any, Protocol, TypeVar

import torch

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Band:
    """Some rows of one image, and which of the threads has it."""

    image: int
    rows: range
    worker: int


_AHEAD = 8
"""Items that wait between two stages: enough that one may take its time now and then."""


class Ahead(Protocol):
    """Takes an iterator to a thread of its own, which works ahead of whoever asks."""

    def __call__(self, items: Iterator[Item], /) -> Iterator[Item]: ...


def side_by_side(work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    """``[work(item) for item in items]``, at once, as far as torch has threads for it.

    Autograd does not record what ``work`` does. The threads share those of torch evenly.
    """
    threads = torch.get_num_threads()
    num = min(threads, len(items))
    if num <= 1:
        return [work(item) for item in items]
    with _threads(num, each=threads // num) as submit:
        return [future.result() for future in [submit(work, item) for item in items]]


def in_bands(work: Callable[[Band], None], images: int, height: int, *, multiple: int) -> None:
    """``work`` on every row of every image, in bands that begin at a multiple of so many rows.

    Each thread has its share one after the other, in larger bands the fewer threads there are.
    """
    threads = torch.get_num_threads()
    num_bands = max(1, threads // max(images, 1))
    rows = -(-height // (num_bands * multiple)) * multiple
    bands = [
        (image, range(top, min(top + rows, height)))
        for image in range(images)
        for top in range(0, height, rows)
    ]

    def work_on_share(worker: int) -> None:
        for image, part in bands[worker::threads]:
            work(Band(image, part, worker))

    side_by_side(work_on_share, range(min(threads, len(bands))))


@contextmanager
def stages(num: int) -> Iterator[Ahead]:
    """Threads for ``num`` iterators, of which each may take from the last."""
    ended = Event()
    rooms: list[Semaphore] = []

    def ahead(items: Iterator[Item]) -> Iterator[Item]:
        room, ready = Semaphore(_AHEAD), SimpleQueue[Item | None]()
        rooms.append(room)

        def fill() -> None:
            for item in items:
                room.acquire()
                if ended.is_set():
                    return
                ready.put(item)

        filling = submit(fill)
        filling.add_done_callback(lambda _: ready.put(None))
        while (item := ready.get()) is not None:
            room.release()
            yield item
        filling.result()  # raises what went wrong

    with _threads(max(num, 1), each=1) as submit:
        try:
            yield ahead
        finally:
            ended.set()
            for room in rooms:
                room.release()


@contextmanager
def _threads(num: int, *, each: int) -> Iterator[Callable[..., Future[Any]]]:
    threads, is_inference = torch.get_num_threads(), torch.is_inference_mode_enabled()

    def run(work: Callable[..., Any], *arguments: Any) -> Any:
        with torch.inference_mode(is_inference), torch.no_grad():  # which a thread does not inherit
            return work(*arguments)

    pool = ThreadPoolExecutor(num, initializer=torch.set_num_threads, initargs=(each,))
    try:
        yield lambda work, *arguments: pool.submit(run, work, *arguments)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # it is also what threads of other people begin with
