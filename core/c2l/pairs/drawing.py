"""Drawing batches of pairs, in this process or in several.

On a CPU every process computes with one thread. That is faster than one process with many
threads, and makes a pair the same bits whatever the number of workers or cores.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import Assumed, BadInput, C2LError, IncompatibleParts
from c2l.generator import Generator
from c2l.guard import failure, is_foreign
from c2l.pairs.groups import draw_latents
from c2l.part import Part
from c2l.plugins import registry
from c2l.seeds import NUM_SEEDS
from c2l.threads import single_threaded

Batch = tuple[Tensor, Tensor]
Parts = tuple[Generator, Embedder]


class WorkerDied(C2LError):
    """A worker process ended without an error message."""


@dataclass(frozen=True)
class Job:
    """A batch to draw.

    Args:
        start: seed of the first row.
        num: rows to keep.
        batch_size: rows to draw.
        groups: layer groups; empty for the generator's own latents.
    """

    start: int
    num: int
    batch_size: int
    groups: tuple[int, ...] = ()


def jobs_of(seeds: range, batch_size: int, groups: tuple[int, ...] = ()) -> list[Job]:
    """The batches of a shard.

    The last one is drawn in full and cut: a pair is the same bits in a shard of any length.
    """
    return [
        Job(start, min(batch_size, seeds.stop - start), batch_size, groups)
        for start in range(seeds.start, seeds.stop, batch_size)
    ]


def draw_batch(generator: Generator, embedder: Embedder, job: Job) -> Batch:
    """Latents and embeddings of one batch, on the CPU.

    Returns:
        latents, float32, (B, K, D), and embeddings, float16, (B, E). Rounding to half precision
        turns an embedding by less than a thousandth of the noise that training adds.
    Raises:
        BadInput: a latent or an embedding is not finite.
    """
    with torch.inference_mode():
        # Rows that only fill the batch may lie beyond the last seed.
        seeds = [(job.start + i) % NUM_SEEDS for i in range(job.batch_size)]
        latents = draw_latents(generator, seeds, job.groups)
        images = generator.synthesize(latents, repeats=job.groups or None)
        embeddings = embedder.embed_images(images)
        # One sum for each picture: NaN and infinity survive it.
        sums = images[: job.num].flatten(1).sum(dim=1).cpu()
        latents = latents[: job.num].float().cpu()
        embeddings = embeddings[: job.num].half().cpu()
    _check_finite(latents, generator, "generator", "sample_latents", job)
    _check_finite(sums[:, None], generator, "generator", "synthesize", job)
    _check_finite(embeddings, embedder, "embedder", "embed_images", job)
    return latents, embeddings


def _check_finite(rows: Tensor, part: Part, role: str, method: str, job: Job) -> None:
    finite = torch.isfinite(rows.flatten(1)).all(dim=1)
    if finite.all():
        return
    what = f"gives NaN or infinity for seed {job.start + int(finite.int().argmin())}"
    if is_foreign(type(part)):
        raise failure(type(part), method, what)
    raise BadInput(
        f"the {role} {part.reference} {what}", hint='Try `device="cpu"`, or check the weights'
    )


class DrawingPool:
    """Draws batches, in order.

    Args:
        generator, embedder: the parts.
        workers: how many processes draw. One means this process; more than one are started, and
            load the parts again by their references.
    """

    def __init__(self, generator: Generator, embedder: Embedder, workers: int) -> None:
        self.parts = generator, embedder
        self._limit = ExitStack()
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            self._pool = ProcessPoolExecutor(
                workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(loader_of(generator, embedder),),
            )

    def __enter__(self) -> Self:
        if self._pool is None and self.parts[0].device.type == "cpu":
            self._limit.enter_context(single_threaded())
        return self

    def __exit__(self, *_: object) -> None:
        self._limit.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def draw(self, jobs: Iterable[Job]) -> Iterator[Batch]:
        """The batches of jobs, one after the other.

        Raises:
            BadInput: a part gives NaN.
            IncompatibleParts: in a worker, a reference names other weights than here.
            WorkerDied: a worker ended, usually for lack of memory.
        """
        if self._pool is None:
            for job in jobs:
                yield draw_batch(*self.parts, job)
            return
        try:
            with _children_ignore_interrupts():
                batches = self._pool.map(_draw, jobs)
            yield from batches
        except BrokenProcessPool as error:
            raise WorkerDied(
                "a worker process died, perhaps for lack of memory",
                hint="Use fewer `workers`; a Python script with workers needs "
                "if __name__ == '__main__'",
                field="workers",
            ) from error


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

_parts: Callable[[], Parts]


def _begin(load: Callable[[], Parts]) -> None:
    global _parts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    loaded: list[Parts] = []

    def parts() -> Parts:
        # An error here reaches the parent as itself; one of an initialiser would not.
        if not loaded:
            loaded.append(load())
        return loaded[0]

    _parts = parts


def _draw(job: Job) -> Batch:
    latents, embeddings = draw_batch(*_parts(), job)
    return latents.clone(), embeddings.clone()


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
