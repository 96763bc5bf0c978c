"""Batches and random numbers as pure functions of seed and step, so that no state is saved.

Pairs that do not fit in memory are read in windows: in each epoch the shards are shuffled, some of
them make a window, and its rows are shuffled. Which rows a batch has follows from its step alone.
Pairs that fit are one window.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor


def rng_of(seed: int, purpose: str, index: int) -> torch.Generator:
    """A CPU generator for one step or epoch of one run."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


@dataclass(frozen=True)
class Piece:
    """A part of a batch.

    Args:
        epoch, window: where it is from.
        rows: within the window, int64, (B,).
    """

    epoch: int
    window: int
    rows: Tensor


class Batches:
    """Rows of ``num`` pairs in batches, reshuffled in each epoch.

    Args:
        num: how many pairs there are.
        batch_size: rows of each batch; one may reach into the next epoch.
        seed: of the run.
        shard_size: pairs in each shard but the last; None for all of them in one.
        window: shards in each window but the last.
    """

    def __init__(
        self, num: int, batch_size: int, seed: int, shard_size: int | None = None, window: int = 1
    ) -> None:
        self.num = num
        self.batch_size = batch_size
        self.seed = seed
        self.shard_size = shard_size or num
        self.window = window
        self._epoch = -1
        self._windows: Sequence[Sequence[int]] = ()
        self._ends: Sequence[int] = ()
        self._shuffled: tuple[int, int, Tensor] = (-1, -1, torch.empty(0))

    @property
    def num_windows(self) -> int:
        """In one epoch."""
        return -(-self.num // self.shard_size // self.window)

    def shards(self, epoch: int, window: int) -> Sequence[int]:
        """The shards of a window, in ascending order."""
        self._begin(epoch)
        return self._windows[window]

    def shard_length(self, shard: int) -> int:
        """How many of a shard's pairs are among the ``num``."""
        return min(self.shard_size, self.num - shard * self.shard_size)

    def pieces(self, step: int, part: slice = slice(None)) -> Iterator[Piece]:
        """Batch ``step``, or a part of it, in pieces of one window each."""
        start, stop, _ = part.indices(self.batch_size)
        position, end = step * self.batch_size + start, step * self.batch_size + stop
        while position < end:
            epoch, offset = divmod(position, self.num)
            self._begin(epoch)
            window = bisect_right(self._ends, offset)
            first = self._ends[window - 1] if window else 0
            order = self._order(epoch, window, self._ends[window] - first)
            rows = order[offset - first : offset - first + end - position]
            yield Piece(epoch, window, rows)
            position += len(rows)

    def rows(self, step: int) -> Tensor:
        """The rows of batch ``step`` where all pairs are one window, int64, (batch_size,)."""
        return torch.cat([piece.rows for piece in self.pieces(step)])

    def _begin(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        num = -(-self.num // self.shard_size)
        order = torch.arange(num)
        if num > self.window:
            order = torch.randperm(num, generator=rng_of(self.seed, "shards", epoch))
        self._windows = [part.sort().values.tolist() for part in order.split(self.window)]
        self._ends = list(accumulate(sum(map(self.shard_length, w)) for w in self._windows))
        self._epoch = epoch

    def _order(self, epoch: int, window: int, num: int) -> Tensor:
        if self._shuffled[:2] != (epoch, window):
            # Of a single window the name says nothing, as before there were several.
            purpose = f"epoch, window {window}" if window else "epoch"
            order = torch.randperm(num, generator=rng_of(self.seed, purpose, epoch))
            self._shuffled = epoch, window, order
        return self._shuffled[2]
