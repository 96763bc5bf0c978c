"""What worker processes call, in a module of its own: they find it by its name alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import Tensor

from c2l.errors import NotWritable
from c2l.pairs import PairsManifest, ShardRecord
from c2l.pairs.drawing import Parts, ShardDrawer
from c2l.pairs.engines import local
from c2l.pairs.job import Job
from c2l.testing import toy_parts


def load_toys(device: str) -> Parts:
    return toy_parts()


def end_at_once(code: int, device: str) -> Parts:
    os._exit(code)


def toy_job(parts: Parts, plan: PairsManifest, out: Path) -> Job:
    """A job that any process can do, though toys have no reference."""
    return Job(load_toys, plan, out)


def job_that_cannot_write(parts: Parts, plan: PairsManifest, out: Path) -> Job:
    """Its first shard finds a full disk."""
    return Job(partial(load_and_patch, refuse_the_first), plan, out)


def job_that_writes_late(parts: Parts, plan: PairsManifest, out: Path) -> Job:
    """A worker writes a shard only once it draws another, or once there is nothing left to draw."""
    return Job(partial(load_and_patch, wait_for_the_next), plan, out)


def load_and_patch(patch: Callable[[], None], device: str) -> Parts:
    patch()
    return toy_parts()


def refuse_the_first() -> None:
    write = ShardDrawer.write

    def refusing(self: ShardDrawer, index: int, *drawn: Tensor) -> ShardRecord:
        if index == 0:
            raise NotWritable("no space left", hint="Make room")
        return write(self, index, *drawn)

    ShardDrawer.write = refusing  # type: ignore[method-assign]


def wait_for_the_next() -> None:
    draw, write = ShardDrawer.draw, ShardDrawer.write
    begun: list[int] = []

    def drawing(self: ShardDrawer, index: int) -> tuple[Tensor, Tensor]:
        begun.append(index)
        return draw(self, index)

    def late(self: ShardDrawer, index: int, *drawn: Tensor) -> ShardRecord:
        until = time.monotonic() + 60
        while begun[-1] == index and not local._work.ended.value:
            assert time.monotonic() < until, "nothing was drawn meanwhile"
            time.sleep(0.01)
        return write(self, index, *drawn)

    ShardDrawer.draw, ShardDrawer.write = drawing, late  # type: ignore[method-assign]
