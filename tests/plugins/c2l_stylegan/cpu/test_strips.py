"""Streams of strips: every row once, with what they have in common."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from c2l_stylegan.cpu.strips import overlapping, split


@given(
    heights=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    before=st.integers(-1, 3),
    after=st.integers(-1, 3),
    overlap=st.integers(0, 5),
    multiple=st.integers(1, 4),
)
def test_overlapping_strips_hold_every_row(
    heights: list[int], before: int, after: int, overlap: int, multiple: int
) -> None:
    whole = torch.arange(1.0, sum(heights) + 1)[None, None, :, None]
    padded = F.pad(whole, (0, 0, before, after))[0, 0, :, 0]
    strips = overlapping(
        iter(whole.split(heights, dim=2)), overlap, before=before, after=after, multiple=multiple
    )
    found = [strip.clone() for strip in strips]  # each is valid until the next
    at = 0
    for window in found:
        rows = window[0, 0, :, 0]
        assert torch.equal(rows, padded[at : at + len(rows)])
        fresh = len(rows) - overlap
        assert fresh > 0
        assert window is found[-1] or fresh % multiple == 0
        at += fresh
    assert at == max(0, len(padded) - overlap)


@given(heights=st.lists(st.integers(1, 9), min_size=1, max_size=6), most=st.integers(1, 12))
def test_split_strips_hold_the_same_rows(heights: list[int], most: int) -> None:
    whole = torch.arange(sum(heights))[None, None, :, None]
    found = list(split(iter(whole.split(heights, dim=2)), most))
    assert torch.equal(torch.cat(found, dim=2), whole)
    assert max(strip.shape[2] for strip in found) <= most
