"""Signs of life of those who draw, in a folder of their own beside the shards.

A worker that hangs says nothing, and its scheduler sees a process that runs. So each writes now
and then what it is at; whoever asks for the folder's status compares, by the clock of the file
server, since those of nodes may differ.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from c2l.errors import C2LError
from c2l.files import write_atomically
from c2l.pairs.records import shard_name
from c2l.places import Place, list_place, remove_tree

_FOLDER = ".workers"
_EVERY = 30.0
"""Seconds between two signs, at least."""
_PATIENCE = 300.0
"""Seconds of silence that are nothing unusual."""
_MANY = 10
"""Batches whose time without a sign means that something is wrong, where they take long."""


class Heart:
    """Beats while a shard is drawn.

    Args:
        out: the folder of pairs.
    """

    def __init__(self, out: Place) -> None:
        self._file = out / _FOLDER / f"{platform.node()}-{os.getpid()}.json"
        self._written = self._last = time.monotonic()
        self._longest = 0.0

    @contextmanager
    def beating(self, index: int) -> Iterator[Self]:
        """Say that a shard is being drawn; a worker that ends leaves nothing."""
        self._last = time.monotonic()
        self._write(index)
        try:
            yield self
        finally:
            with suppress(OSError, C2LError):
                self._file.unlink(missing_ok=True)

    def beat(self, index: int) -> None:
        """After each batch."""
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now
        if now - self._written >= _EVERY:
            self._write(index)

    def _write(self, index: int) -> None:
        self._written = time.monotonic()
        sign = {"node": platform.node(), "pid": os.getpid(), "shard": index, "batch": self._longest}
        try:
            write_atomically(self._file, json.dumps(sign).encode())
        except C2LError:  # the shard itself will say what is wrong with the folder
            if isinstance(self._file, Path):  # a full disk still takes an empty folder
                with suppress(OSError):
                    self._file.parent.rmdir()


@dataclass(frozen=True)
class Worker:
    """Somebody who draws, or who drew when it was last heard of.

    Args:
        node, pid: its machine and process.
        shard: the file that it is at.
        silent: seconds since its last sign.
        hangs: whether that is longer than its batches explain.
    """

    node: str
    pid: int
    shard: str
    silent: float
    hangs: bool


def workers_of(out: Place) -> list[Worker]:
    """Who is at work, the most silent first."""
    signs = out / _FOLDER
    probe = signs / f".{platform.node()}-{os.getpid()}"
    found = []
    try:
        entries = [entry for entry in list_place(signs) if entry.name.endswith(".json")]
        if entries:
            write_atomically(probe, b"")  # what time it is there
            now = probe.stat().st_mtime
            probe.unlink(missing_ok=True)
        for entry in entries:
            with suppress(OSError, ValueError, KeyError, TypeError):  # it has just ended
                sign = json.loads((signs / entry.name).read_bytes())
                silent = max(0.0, now - entry.stat().st_mtime)
                limit = max(_PATIENCE, _MANY * sign["batch"])
                name = shard_name(sign["shard"])
                found.append(Worker(sign["node"], sign["pid"], name, silent, silent > limit))
    except (OSError, C2LError):
        return []
    return sorted(found, key=lambda worker: -worker.silent)


def forget_workers(out: Place) -> None:
    """Remove the signs of those who were killed, once there is nothing left to draw."""
    with suppress(OSError, C2LError):
        remove_tree(out / _FOLDER)
