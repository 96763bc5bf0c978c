"""Threads that each do many small operations alone.

torch divides every single operation among its threads, which wait for one another at its end. What
is fast here, though, are long sequences of operations so small that their data stay in a core's
cache: dividing those costs more than it gains, and many times as much while another program uses
one of the cores. So the work is divided as a whole, and torch computes with a single thread in
each part.

Nothing here changes what other threads of the process see, whether they exist or are yet to start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from c2l import can_limit_a_thread, limit_this_thread

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class RowBlock:
    """Some rows of one image, and the number of the worker that computes them."""

    image: int
    rows: range
    worker: int


def num_workers() -> int:
    """How many threads to divide work among: as many as torch has.

    One where a thread's share of torch's threads cannot be set without changing that of others:
    there torch divides each operation, as it always does.
    """
    num = torch.get_num_threads()
    return num if num > 1 and can_limit_a_thread() else 1


@contextmanager
def within_cores() -> Iterator[None]:
    """Compute with a thread for each core at most: more only wait for one another."""
    num = torch.get_num_threads()
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or num
    if num <= cores or not can_limit_a_thread():
        yield
        return
    limit_this_thread(cores)
    try:
        yield
    finally:
        limit_this_thread(num)


def parallel_map(work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    """``[work(item) for item in items]``, in parallel as far as torch has threads for it.

    Autograd does not record what ``work`` does. The workers share torch's threads evenly.
    """
    num = min(num_workers(), len(items))
    if num <= 1:
        return [work(item) for item in items]
    with _workers(num, threads_each=torch.get_num_threads() // num) as submit:
        return [future.result() for future in [submit(work, item) for item in items]]


def for_each_row_block(
    work: Callable[[RowBlock], None], images: int, height: int, *, multiple: int
) -> None:
    """Call ``work`` on every row of every image, in blocks that start at multiples of a number.

    Each worker has its share one after the other, in larger blocks the fewer workers there are.
    """
    workers = num_workers()
    num_blocks = max(1, workers // max(images, 1))
    rows = -(-height // (num_blocks * multiple)) * multiple
    blocks = [
        (image, range(top, min(top + rows, height)))
        for image in range(images)
        for top in range(0, height, rows)
    ]

    def work_on_share(worker: int) -> None:
        for image, part in blocks[worker::workers]:
            work(RowBlock(image, part, worker))

    parallel_map(work_on_share, range(min(workers, len(blocks))))


@contextmanager
def _workers(num: int, *, threads_each: int) -> Iterator[Callable[..., Future[Any]]]:
    is_inference = torch.is_inference_mode_enabled()

    def run(work: Callable[..., Any], *arguments: Any) -> Any:
        with torch.inference_mode(is_inference), torch.no_grad():  # which a thread does not inherit
            return work(*arguments)

    pool = ThreadPoolExecutor(num, initializer=limit_this_thread, initargs=(threads_each,))
    try:
        yield lambda work, *arguments: pool.submit(run, work, *arguments)
    finally:
        pool.shutdown(cancel_futures=True)
