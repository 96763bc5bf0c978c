"""Pairs to train on, a window of them in memory at a time, the next one being read meanwhile."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, Self

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.pairs import Pairs
from c2l.training.batches import Batches
from c2l.training.plan import TrainingPlan

Rows = tuple[Tensor, Tensor]
"""Embeddings (N, E) and latents (N, K, D)."""


class Feed(Protocol):
    """Where batches come from."""

    def batch(self, step: int, part: slice = slice(None)) -> Rows:
        """Batch ``step``, or a part of it, in float32: a function of the plan and the step."""


class WholeFeed:
    """All pairs are in memory.

    Args:
        rows: those to train on.
    """

    def __init__(self, rows: Rows, plan: TrainingPlan) -> None:
        self._embeddings, self._latents = rows
        self._batches = Batches(plan.num_pairs, plan.batch_size, plan.seed)

    def batch(self, step: int, part: slice = slice(None)) -> Rows:
        rows = self._batches.rows(step)[part]
        return self._embeddings[rows], self._latents[rows]


class WindowFeed:
    """A window in memory, in the precision of the shards, and the next one on its way.

    Used as a context, which ends the reading.

    Args:
        pairs: of which the first ``plan.num_pairs`` are trained on.
        label: embeddings, and the row of the first, to embeddings as the prior takes them.
    """

    def __init__(
        self,
        pairs: Pairs,
        plan: TrainingPlan,
        label: Callable[[Tensor, int], Tensor] = lambda embeddings, start: embeddings,
    ) -> None:
        self._pairs, self._label = pairs, label
        size = pairs.manifest.shard_size
        self._batches = Batches(
            plan.num_pairs, plan.batch_size, plan.seed, size, plan.window // size
        )
        self._windows: OrderedDict[tuple[int, int], Future[Rows]] = OrderedDict()
        self._reader = ThreadPoolExecutor(1, "c2l-feed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.shutdown(wait=False, cancel_futures=True)

    def batch(self, step: int, part: slice = slice(None)) -> Rows:
        """As ``Feed.batch``.

        Raises:
            BadWeights: a shard is damaged.
            BadInput: one holds NaN or infinity.
        """
        embeddings, latents = [], []
        for piece in self._batches.pieces(step, part):
            seen, drew = self._window(piece.epoch, piece.window)
            embeddings.append(seen[piece.rows].float())
            latents.append(drew[piece.rows].float())
        return torch.cat(embeddings), torch.cat(latents)

    def _window(self, epoch: int, window: int) -> Rows:
        following = (epoch, window + 1)
        if window + 1 == self._batches.num_windows:
            following = (epoch + 1, 0)
        for key in ((epoch, window), following):
            if key not in self._windows:
                # At most two are held; the older one goes before a third is read.
                while len(self._windows) > 1:
                    self._windows.popitem(last=False)
                self._windows[key] = self._reader.submit(self._read, self._batches.shards(*key))
        return self._windows[epoch, window].result()

    def _read(self, shards: Sequence[int]) -> Rows:
        lengths = [self._batches.shard_length(shard) for shard in shards]
        whole: list[Tensor] = []
        start = 0
        for shard, length in zip(shards, lengths, strict=True):
            parts = self._pairs.shard(shard)
            check_finite(parts, f"shard {self._pairs.manifest.shards[shard].file} of ", self._pairs)
            first = shard * self._pairs.manifest.shard_size
            parts = self._label(parts[0], first), parts[1]
            if not whole:
                whole = [part.new_empty(sum(lengths), *part.shape[1:]) for part in parts]
            for rows, part in zip(whole, parts, strict=True):
                rows[start : start + length] = part[:length]
            start += length
        embeddings, latents = whole
        return embeddings, latents


def check_finite(rows: Rows, where: str, pairs: Pairs) -> None:
    """Raises ``BadInput`` where pairs hold NaN or infinity.

    Args:
        where: which of them, before the name of the folder; empty for all.
    """
    for what, tensor in zip(("embeddings", "latents"), rows, strict=True):
        # One NaN or infinity makes the sum one, and a sum takes a tenth of the time.
        if math.isfinite(float(tensor.sum(dtype=torch.float32))):
            continue
        bad = ~torch.isfinite(tensor.flatten(1)).all(dim=1)
        if bad.any():
            raise BadInput(
                f"the {what} of {where}{pairs.folder} hold NaN or infinity in {int(bad.sum())} "
                f"rows, first in row {int(bad.int().argmax())}",
                hint="Make these pairs again",
            )
