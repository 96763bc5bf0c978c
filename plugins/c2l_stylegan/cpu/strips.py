"""Features as a stream of strips of rows, from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from torch import Tensor

Strips: TypeAlias = Iterator[Tensor]
"""Tensors (1, C, rows, W), channels last in memory."""


def overlapping(
    strips: Strips, overlap: int, *, before: int, after: int, multiple: int = 1
) -> Strips:
    """The same rows, with zeros before and after, in strips that start with the end of the last.

    Args:
        overlap: the rows that a strip has in common with the one before it.
        before, after: rows of zeros; negative ones leave rows out.
        multiple: the number of a strip's other rows is a multiple of this, except in the last one.
    Returns:
        strips each of which is valid until the next.
    """
    window: Tensor | None = None  # its buffer is used for all strips
    num = 0  # rows in it
    upcoming = next(strips, None)
    while upcoming is not None:
        x, upcoming = upcoming, next(strips, None)
        top, bottom = before if window is None else 0, after if upcoming is None else 0
        x = x[:, :, max(-top, 0) : x.shape[2] + min(bottom, 0)]
        start = num + max(top, 0)
        end = start + x.shape[2]
        window = _with_room(window, x, num, end + max(bottom, 0))
        window[:, :, num:start] = 0
        window[:, :, start:end] = x
        num = end + max(bottom, 0)
        window[:, :, end:num] = 0
        fresh = num - overlap
        if upcoming is not None:
            fresh -= fresh % multiple
        if fresh > 0:
            yield window[:, :, : fresh + overlap]
            window[:, :, : num - fresh] = window[:, :, fresh:num].clone()
            num -= fresh


def split(strips: Strips, rows: int) -> Strips:
    """The same rows in strips of at most ``rows``."""
    for x in strips:
        parts = -(-x.shape[2] // rows)
        yield from x.split(-(-x.shape[2] // parts), dim=2)


def _with_room(window: Tensor | None, like: Tensor, num: int, rows: int) -> Tensor:
    """A window with room for ``rows``, and the first ``num`` rows of the one before."""
    if window is not None and window.shape[2] >= rows:
        return window
    batch, channels, _, width = like.shape
    larger = like.new_empty(batch, rows, width, channels).permute(0, 3, 1, 2)
    if window is not None:
        larger[:, :, :num] = window[:, :, :num]
    return larger
