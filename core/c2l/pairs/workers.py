"""The local engine: shards drawn in this process, or in several.

On a CPU every process computes with one thread. That is faster than one process with many
threads, and makes a pair the same bits whatever the number of workers or cores.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from c2l.embedder import Embedder
from c2l.errors import Assumed, BadInput, C2LError, IncompatibleParts
from c2l.generator import Generator
from c2l.pairs.drawing import OnDrawn, Parts, ShardDrawer
from c2l.pairs.manifest import PairsManifest
from c2l.places import Place
from c2l.plugins import registry
from c2l.threads import single_threaded

_AHEAD = 2
"""Shards that wait for each worker: one, so that none is ever idle, and no more."""
_LOOK_EVERY = 0.2
"""Seconds between looks at how many pairs the workers have drawn."""


class WorkerDied(C2LError):
    """A worker process ended without an error message."""


def draw_shards(
    parts: Parts,
    manifest: PairsManifest,
    folder: Place,
    indices: Sequence[int],
    *,
    workers: int,
    on_drawn: OnDrawn,
) -> Iterator[int]:
    """Draw shards; gives the place of each once it is on disk.

    Args:
        workers: how many processes draw. One means this process; more than one are started, and
            load the parts again by their references.
        on_drawn: called in this process.
    Raises:
        BadInput: a part gives NaN, or workers are asked for parts that have no reference.
        IncompatibleParts: in a worker, a reference names other weights than here.
        WorkerDied: a worker ended, usually for lack of memory.
    """
    if workers > 1:
        load = loader_of(*parts)  # refuses also where there is too little for two
        workers = min(workers, len(indices))
    if workers > 1:
        yield from _in_processes(load, manifest, folder, indices, workers, on_drawn)
        return
    on_cpu = parts[0].device.type == "cpu"
    for index in indices:
        with single_threaded() if on_cpu else nullcontext():
            ShardDrawer(parts, manifest, folder).draw(index, on_drawn)
        yield index


def _in_processes(
    load: Callable[[], Parts],
    manifest: PairsManifest,
    folder: Place,
    indices: Sequence[int],
    workers: int,
    on_drawn: OnDrawn,
) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    drawn, stop = spawn.Value("q", 0), spawn.Event()
    work = _Work(load, manifest, folder, drawn, stop)
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(work,))
    told = 0
    waiting: dict[Future[None], int] = {}
    left = iter(indices)
    try:
        while True:
            with _children_ignore_interrupts():
                while len(waiting) < workers * _AHEAD and (index := next(left, None)) is not None:
                    waiting[pool.submit(_draw, index)] = index
            if not waiting:
                return
            done, _ = wait(waiting, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
            if drawn.value > told:
                on_drawn(drawn.value - told)
                told = drawn.value
            for future in done:
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


def loader_of(generator: Generator, embedder: Embedder) -> Callable[[], Parts]:
    """A picklable function with which a worker loads its own copy of the parts.

    Raises:
        BadInput: a part was not loaded by a reference, so no other process could load it.
    """
    for part in (generator, embedder):
        if not part.reference or registry().lives_here(part.reference):
            raise BadInput(
                f"a worker cannot load {part.reference or type(part).__name__}, "
                "which lives in this process alone",
                hint="Use `workers=1`, or put its class into a file that C2L_PLUGINS names",
                field="workers",
            )
    return partial(
        _load,
        (generator.reference, str(generator.device), generator.fingerprint()),
        (embedder.reference, str(embedder.device), embedder.fingerprint()),
    )


def _load(generator: tuple[str, str, str], embedder: tuple[str, str, str]) -> Parts:
    from c2l.loading import load_embedder, load_generator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Assumed)  # said where these were loaded first
        parts = (
            load_generator(generator[0], device=generator[1]),
            load_embedder(embedder[0], device=embedder[1]),
        )
    for part, (reference, _, fingerprint) in zip(parts, (generator, embedder), strict=True):
        if part.fingerprint() != fingerprint:
            raise IncompatibleParts(
                f"{reference} names other weights than those in use", hint="Use `workers=1`"
            )
    return parts


# ------------------------------------------------------------------ in a worker


@dataclass(frozen=True)
class _Work:
    """What a worker is started with; ``drawn`` and ``stop`` are shared by all of them."""

    load: Callable[[], Parts]
    manifest: PairsManifest
    folder: Place
    drawn: Any
    stop: Any


class _Stopped(Exception):
    """The parent wants no more."""


_drawer: Callable[[], ShardDrawer]
_on_drawn: OnDrawn


def _begin(work: _Work) -> None:
    global _drawer, _on_drawn
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    loaded: list[ShardDrawer] = []

    def drawer() -> ShardDrawer:
        # An error here reaches the parent as itself; one of an initialiser would not.
        if not loaded:
            loaded.append(ShardDrawer(work.load(), work.manifest, work.folder))
        return loaded[0]

    def on_drawn(num: int) -> None:
        if work.stop.is_set():
            raise _Stopped
        with work.drawn.get_lock():
            work.drawn.value += num

    _drawer, _on_drawn = drawer, on_drawn


def _draw(index: int) -> None:
    _drawer().draw(index, _on_drawn)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# ------------------------------------------------------------------ in the parent


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
