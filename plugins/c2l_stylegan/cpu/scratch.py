"""Memory that is used again, rather than given back to the system and asked for anew.

The C library gives large blocks back to the system when they are freed, and memory fresh from the
system costs ten times what writing to it does.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache
from math import prod

import torch
from torch import Tensor

_KEPT = 256 << 20
"""More bytes than the features and kernels of one image take at a time."""
_M_TRIM_THRESHOLD = -1  # of malloc.h


@cache
def keep_freed_memory() -> None:
    """Make the C library keep freed memory, up to 256 MB; once in a process.

    This is for what PyTorch's own operations return, which a ``Scratch`` cannot hold. It saves up
    to a fifth of a StyleGAN2's time. Other libraries than GNU's are not affected.
    """
    # It returns freed blocks to the system from a size that grows, up to 32 MiB, with each larger
    # block that is freed. This block raises it; nothing is written to it.
    torch.empty((32 << 20) - (1 << 16), dtype=torch.uint8)
    # It also returns what is free at the end of its heap, from twice that size on: with one order
    # of allocations never, with another in every layer.
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        return
    with suppress(AttributeError, OSError, TypeError):  # there is no such function
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, _KEPT)


class Scratch:
    """Named buffers, used again and again.

    Code that needs large buffers one after the other takes the same one each time.
    """

    def __init__(self, like: Tensor) -> None:
        """All buffers have the dtype and device of ``like``."""
        self._like = like
        self._buffers: dict[str, Tensor] = {}
        self._of_workers: dict[int, Scratch] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """A contiguous tensor with any values, valid until ``name`` is taken again."""
        size = prod(shape)
        held = self._buffers.pop(name, None)
        if held is None or len(held) < size:
            del held
            held = self._like.new_empty(size)
        self._buffers[name] = held
        return held[:size].view(shape)

    def of_worker(self, number: int) -> Scratch:
        """The buffers of one of several threads that work in parallel."""
        return self._of_workers.setdefault(number, Scratch(self._like))

    def swap(self, name: str, other: str) -> None:
        """Exchange two buffers, so that what was taken as ``name`` outlives its next taking."""
        held = {new: self._buffers.pop(old, None) for old, new in ((name, other), (other, name))}
        self._buffers |= {key: buffer for key, buffer in held.items() if buffer is not None}

    def clear(self) -> None:
        """Forget all buffers; what was taken stays as it is."""
        self._buffers.clear()
        self._of_workers.clear()
