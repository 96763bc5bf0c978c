"""What more pairs would bring."""

from __future__ import annotations

import pytest

from c2l.training.outlook import MEASURED, POINTS_LESS, outlook


@pytest.mark.parametrize("num", [1, 500, 1000])
def test_of_few_pairs_it_is_what_the_fewest_measured_lack(num: int) -> None:
    less = POINTS_LESS[1000]
    assert outlook(num).startswith(f"with {num:,} pairs, expect pictures to show about {less} perc")


def test_it_falls_as_pairs_grow_and_ends() -> None:
    said = [outlook(num) for num in (1000, 1200, 1400)]
    points = [float(text.split(" about ")[1].split()[0]) for text in said]
    assert points == sorted(points, reverse=True) and points[0] > points[-1]
    assert outlook(MEASURED) == outlook(10**6) == ""
