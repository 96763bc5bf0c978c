"""Batches and random numbers as pure functions of seed and step, so that no state is saved."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def rng_of(seed: int, purpose: str, index: int) -> torch.Generator:
    """A CPU generator for one step or epoch of one run."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


class Batches:
    """Rows of ``num`` pairs in batches, reshuffled in each epoch.

    Args:
        num: how many pairs there are.
        batch_size: rows of each batch; one may reach into the next epoch.
        seed: of the run.
    """

    def __init__(self, num: int, batch_size: int, seed: int) -> None:
        self.num = num
        self.batch_size = batch_size
        self.seed = seed
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    def rows(self, step: int) -> Tensor:
        """The rows of batch ``step``, int64, (batch_size,)."""
        pieces = []
        position, end = step * self.batch_size, (step + 1) * self.batch_size
        while position < end:
            epoch, offset = divmod(position, self.num)
            piece = self._shuffled(epoch)[offset : offset + end - position]
            pieces.append(piece)
            position += len(piece)
        return torch.cat(pieces)

    def _shuffled(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            rng = rng_of(self.seed, "epoch", epoch)
            self._epoch, self._order = epoch, torch.randperm(self.num, generator=rng)
        return self._order
