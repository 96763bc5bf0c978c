"""What more pairs would bring."""

from __future__ import annotations

import pytest

from c2l.training.outlook import MEASURED, POINTS_LESS, outlook


@pytest.mark.parametrize(("num", "how"), [(1, "at least"), (500, "at least"), (1000, "about")])
def test_of_fewer_pairs_it_is_what_the_fewest_measured_lack_or_more(num: int, how: str) -> None:
    less = POINTS_LESS[1000]
    assert outlook(num).startswith(f"with {num:,} pairs, expect pictures to show {how} {less} perc")


def test_it_falls_as_pairs_grow_and_ends() -> None:
    said = [outlook(num) for num in (1000, 1200, 1400)]
    points = [float(text.split(" about ")[1].split()[0]) for text in said]
    assert points == sorted(points, reverse=True) and points[0] > points[-1]
    assert outlook(MEASURED) == outlook(10**6) == ""
