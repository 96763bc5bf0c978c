"""The local engine: shards drawn in this process, or in several."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch

from c2l.errors import C2LError
from c2l.pairs.beats import workers_of
from c2l.pairs.drawing import OnDrawn, Parts, ShardDrawer
from c2l.pairs.job import Job, job_of, naming
from c2l.pairs.manifest import PairsManifest
from c2l.pairs.records import ShardRecord
from c2l.places import Place

_AHEAD = 2
"""Shards that wait for each worker: one, so that none is ever idle, and no more."""
_WATCH_EVERY = 30.0
"""Seconds between looks at whether one of them hangs."""
_LOOK_EVERY = 0.2
"""Seconds between looks at how many pairs the workers have drawn."""


class WorkerDied(C2LError):
    """A worker process ended without an error message."""


@dataclass(frozen=True)
class LocalEngine:
    """Draws on this machine.

    Args:
        devices: one process on each, and any of them several times. One alone means this process,
            with the parts that it has; more are started, and load the parts by their references.
        is_one_of_many: errors name the node and the shard.
    """

    devices: tuple[str, ...]
    is_one_of_many: bool = False

    def draw(
        self,
        parts: Parts,
        plan: PairsManifest,
        out: Place,
        indices: Sequence[int],
        on_drawn: OnDrawn,
    ) -> Iterator[int]:
        """Draw shards; gives the place of each once it is on disk.

        Raises:
            BadInput: a part gives NaN, or workers are asked for parts that have no reference.
            IncompatibleParts: in a worker, a reference names other weights than here.
            WorkerDied: a worker ended, usually for lack of memory.
        """
        if len(self.devices) > 1:
            job = job_of(parts, plan, out)  # refuses also where there is too little for two
            devices = self.devices[: len(indices)]
            if len(devices) > 1:
                yield from _in_processes(job, devices, indices, on_drawn, self._naming)
                return
        yield from self._here(ShardDrawer(parts, plan, out, on_drawn), indices)

    def _here(self, drawer: ShardDrawer, indices: Sequence[int]) -> Iterator[int]:
        """A shard is written while the next one is drawn: a GPU does not wait for a disk."""
        with ThreadPoolExecutor(1) as writer:
            writing: tuple[int, Future[ShardRecord]] | None = None
            for index in indices:
                with self._naming(index):
                    drawn = drawer.draw(index)
                if writing is not None:
                    yield self._written(*writing)
                writing = index, writer.submit(drawer.write, index, *drawn)
            if writing is not None:
                yield self._written(*writing)

    def _written(self, index: int, writing: Future[ShardRecord]) -> int:
        with self._naming(index):
            writing.result()
        return index

    def _naming(self, index: int) -> AbstractContextManager[None]:
        return naming(index) if self.is_one_of_many else nullcontext()


def _in_processes(
    job: Job,
    devices: Sequence[str],
    indices: Sequence[int],
    on_drawn: OnDrawn,
    naming: Callable[[int], AbstractContextManager[None]],
) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    drawn, started, stop = spawn.Value("q", 0), spawn.Value("q", 0), spawn.Event()
    work = _Work(job, tuple(devices), started, drawn, stop)
    pool = ProcessPoolExecutor(len(devices), mp_context=spawn, initializer=_begin, initargs=(work,))
    told, look_at = 0, time.monotonic() + _WATCH_EVERY
    waiting: dict[Future[None], int] = {}
    left = iter(indices)
    try:
        while True:
            with _children_ignore_interrupts():
                most = len(devices) * _AHEAD
                while len(waiting) < most and (index := next(left, None)) is not None:
                    waiting[pool.submit(_draw, index)] = index
            if not waiting:
                return
            done, _ = wait(waiting, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
            if drawn.value > told:
                on_drawn(drawn.value - told)
                told = drawn.value
            if time.monotonic() > look_at:
                look_at = time.monotonic() + _WATCH_EVERY
                _end_hanging(job.out)
            for future in done:
                with naming(waiting[future]):
                    future.result()
                yield waiting.pop(future)
    except BrokenProcessPool as error:
        raise WorkerDied(
            "a worker process died, perhaps for lack of memory",
            hint="Use fewer `workers`; a Python script with workers needs "
            "if __name__ == '__main__'",
            field="workers",
        ) from error
    finally:
        stop.set()  # a shard may take minutes
        pool.shutdown(wait=True, cancel_futures=True)


# ------------------------------------------------------------------ in a worker


@dataclass(frozen=True)
class _Work:
    """What a worker is started with; the last three are shared by all of them."""

    job: Job
    devices: tuple[str, ...]
    started: Any
    drawn: Any
    stop: Any


class _Stopped(Exception):
    """The parent wants no more."""


_drawer: Callable[[], ShardDrawer]


def _begin(work: _Work) -> None:
    global _drawer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    with work.started.get_lock():
        device = work.devices[work.started.value % len(work.devices)]
        work.started.value += 1

    def on_drawn(num: int) -> None:
        if work.stop.is_set():
            raise _Stopped
        with work.drawn.get_lock():
            work.drawn.value += num

    # An error here reaches the parent as itself; one of an initialiser would not.
    _drawer = cache(partial(work.job.open, device, on_drawn))


def _draw(index: int) -> None:
    _drawer().run_shard(index)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# ------------------------------------------------------------------ in the parent


def _end_hanging(out: Place) -> None:
    """Raises ``WorkerDied`` where a worker has shown no sign of life for too long; it is ended."""
    ours = {child.pid for child in multiprocessing.active_children()}
    for worker in workers_of(out):
        if worker.hangs and worker.node == platform.node() and worker.pid in ours:
            os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            raise WorkerDied(
                f"process {worker.pid} on node {worker.node} hung for {worker.silent:.0f} s "
                f"in {worker.shard}, and was ended",
                hint="Everything finished stays; the same command goes on",
            )


@contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Processes started within this block ignore Ctrl-C from the start."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
