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
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
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
_NAP = 0.01
"""Seconds between looks at whether all of them have drawn their last."""


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
                yield from _in_processes(job, devices, indices, on_drawn, self.is_one_of_many)
                return
        line = _Line(ShardDrawer(parts, plan, out, on_drawn), self.is_one_of_many)
        with closing(line):
            for index in indices:
                if (written := line.draw(index)) is not None:
                    yield written
            if (written := line.end()) is not None:
                yield written


class _Line:
    """Draws shards; each is written while the next one is drawn: a GPU does not wait for a disk.

    Args:
        names: errors name the node and the shard.
    """

    def __init__(self, drawer: ShardDrawer, names: bool) -> None:
        self._drawer, self._names = drawer, names
        self._writer = ThreadPoolExecutor(1)
        self._writing: tuple[int, Future[ShardRecord]] | None = None

    def draw(self, index: int) -> int | None:
        """Draw a shard; gives the place of the one before, which is on disk by now."""
        with _naming(index, self._names):
            drawn = self._drawer.draw(index)
        before = self.end()
        self._writing = index, self._writer.submit(self._drawer.write, index, *drawn)
        return before

    def end(self) -> int | None:
        """Wait until the last one is on disk; gives its place."""
        if self._writing is None:
            return None
        (index, written), self._writing = self._writing, None
        with _naming(index, self._names):
            written.result()
        return index

    def close(self) -> None:
        """Write what was drawn, and say nothing of it."""
        self._writer.shutdown()


def _naming(index: int, names: bool) -> AbstractContextManager[None]:
    return naming(index) if names else nullcontext()


def _in_processes(
    job: Job,
    devices: Sequence[str],
    indices: Sequence[int],
    on_drawn: OnDrawn,
    names: bool,
) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    drawn, started, ended = (spawn.Value("q", 0) for _ in range(3))
    stop = spawn.Event()
    work = _Work(job, names, tuple(devices), started, drawn, ended, stop)
    pool = ProcessPoolExecutor(len(devices), mp_context=spawn, initializer=_begin, initargs=(work,))
    told, since = 0, time.monotonic()
    look_at = since + _WATCH_EVERY
    waiting: set[Future[int | None]] = set()
    works: Iterator[Callable[[], int | None]] = chain(
        (partial(_draw, index) for index in indices), [_end] * len(devices)
    )
    try:
        while True:
            with _children_ignore_interrupts():
                most = len(devices) * _AHEAD
                while len(waiting) < most and (next_work := next(works, None)) is not None:
                    waiting.add(pool.submit(next_work))
            if not waiting:
                return
            done, _ = wait(waiting, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
            if drawn.value > told:
                on_drawn(drawn.value - told)
                told = drawn.value
            if time.monotonic() > look_at:
                look_at = time.monotonic() + _WATCH_EVERY
                _end_hanging(job.out, time.monotonic() - since)
            for future in done:
                waiting.remove(future)
                if (written := future.result()) is not None:
                    yield written
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
    """What a worker is started with; the last four are shared by all of them."""

    job: Job
    names: bool
    devices: tuple[str, ...]
    started: Any
    drawn: Any
    ended: Any
    stop: Any


class _Stopped(Exception):
    """The parent wants no more."""


_work: _Work
_open: Callable[[], _Line]
_line: _Line | None = None


def _begin(work: _Work) -> None:
    global _work, _open
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
    _open = lambda: _Line(work.job.open(device, on_drawn), work.names)  # noqa: E731
    _work = work


def _draw(index: int) -> int | None:
    global _line
    if _line is None:
        with _naming(index, _work.names):
            _line = _open()
    return _line.draw(index)


def _end() -> int | None:
    """The last task of a worker, who waits for the others: so that nobody takes it twice."""
    with _work.ended.get_lock():
        _work.ended.value += 1
    # A barrier of multiprocessing waits for ever for one that was killed.
    while _work.ended.value < len(_work.devices) and not _work.stop.is_set():
        time.sleep(_NAP)
    return None if _line is None else _line.end()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# ------------------------------------------------------------------ in the parent


def _end_hanging(out: Place, age: float) -> None:
    """Raises ``WorkerDied`` where a worker has shown no sign of life for too long; it is ended.

    Args:
        age: seconds since the workers were started: who has been silent for longer is another one,
            killed earlier, whose number was given again.
    """
    ours = {child.pid for child in multiprocessing.active_children()}
    for worker in workers_of(out):
        is_ours = worker.node == platform.node() and worker.pid in ours and worker.silent < age
        if worker.hangs and is_ours:
            os.kill(worker.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            raise WorkerDied(
                f"process {worker.pid} on node {worker.node} hung for {worker.silent:.0f} s "
                f"in {worker.shard}, and was ended",
                hint="Finished shards are kept; the same command resumes",
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
