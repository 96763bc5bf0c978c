"""What is made of weights once, and kept for as long as they exist and are the same."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Made = TypeVar("Made")

_kept = WeakTensorKeyDictionary()
"""Weights -> their fingerprint, and what was made of them, by name."""
_lock = Lock()


def kept(weight: Tensor, name: str, make: Callable[[], Made]) -> Made:
    """What ``make`` makes of a weight; made anew if that has changed since the last time."""
    fingerprint = _fingerprint(weight)
    with _lock:  # so that of several threads one makes it
        held = _kept.get(weight)
        if held is None or not torch.equal(held[0], fingerprint):
            _kept[weight] = held = fingerprint, {}
        everything: dict[str, Any] = held[1]
        if name not in everything:
            everything[name] = make()
        made: Made = everything[name]
        return made


def _fingerprint(weight: Tensor) -> Tensor:
    """Sums of the bits along the innermost axis in memory: read as fast as memory is.

    torch counts changes as well, but not those by way of ``weight.data`` or NumPy.
    """
    outermost_first = sorted(range(weight.ndim), key=weight.stride, reverse=True)
    dense = weight.detach().permute(outermost_first).contiguous()
    num_bytes = dense.shape[-1] * dense.element_size()
    whole = (torch.int64, torch.int32, torch.int16, torch.uint8)
    return dense.view(next(t for t in whole if num_bytes % t.itemsize == 0)).sum(dim=-1)
