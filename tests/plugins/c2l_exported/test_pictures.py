"""From arrays of every layout and range to RGB in [-1, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from c2l_exported.facts import Facts
from c2l_exported.inputs import Undecided
from c2l_exported.pictures import Pictures, find_pictures, find_range


def zeros(*shape: int, dtype: str = "float32") -> Any:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("shape", "layout", "channels", "size"),
    [
        ((2, 3, 8, 10), "channels-first", 3, (8, 10)),
        ((2, 1, 8, 8), "channels-first", 1, (8, 8)),
        ((2, 8, 10, 4), "channels-last", 4, (8, 10)),
        ((2, 3, 4, 4), "channels-first", 3, (4, 4)),
        ((2, 4, 4, 3), "channels-last", 3, (4, 4)),
        ((2, 8, 10), "no channels", 1, (8, 10)),
        ((2, 784), "flat", 1, (28, 28)),
        ((2, 3 * 256), "flat", 3, (16, 16)),
    ],
)
def test_layouts(shape: tuple[int, ...], layout: str, channels: int, size: Any) -> None:
    found = find_pictures([zeros(*shape)], 2, Facts())
    assert (found.layout, found.channels, (found.height, found.width)) == (layout, channels, size)
    assert found.shape == shape[1:]
    assert found.rgb(zeros(*shape)).shape == (2, 3, *size)


def test_channels_that_may_be_either_are_asked_for() -> None:
    with pytest.raises(Undecided, match="channels may come first or last"):
        find_pictures([zeros(2, 4, 4, 4)], 2, Facts())
    assert find_pictures([zeros(2, 4, 4, 4)], 2, Facts(layout="channels-last")).channels == 4


@pytest.mark.parametrize("shape", [(2, 10), (2, 5, 8, 8), (3, 3, 8, 8), (2, 1, 1, 1), (2,), ()])
def test_what_is_no_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(Undecided, match="gives no pictures for 2 latents"):
        find_pictures([zeros(*shape)], 2, Facts())


def test_the_largest_is_the_picture_and_rgb_before_a_mask() -> None:
    small, mask, picture = zeros(2, 3, 8, 8), zeros(2, 1, 16, 16), zeros(2, 3, 16, 16)
    assert find_pictures([small, mask, picture, picture], 2, Facts()).output == 2
    assert find_pictures([small, mask, picture], 2, Facts(output=0)).output == 0


@pytest.mark.parametrize(
    ("low", "high", "dtype", "wanted"),
    [
        (-0.9, 0.8, "float32", (-1, 1)),
        (-1.3, 2.2, "float32", (-1, 1)),
        (-0.01, 0.02, "float32", (-1, 1)),
        (0.0, 1.0, "float32", (0, 1)),
        (0.0, 254.7, "float32", (0, 255)),
        (3, 200, "uint8", (0, 255)),
        (0, 250, "int64", (0, 255)),
        (-0.05, 1.02, "float32", None),
        (0.0, 3.0, "float32", None),
        (-100, 100, "float32", None),
        (-128, 127, "int64", None),
    ],
)
def test_ranges(low: float, high: float, dtype: str, wanted: Any) -> None:
    array = np.array([low, high], dtype)
    if wanted is None:
        with pytest.raises(Undecided) as error:
            find_range(array)
        assert "value_range = [-1, 1]" in error.value.write
    else:
        assert find_range(array) == wanted


def test_black_and_white_are_minus_one_and_one() -> None:
    pictures = Pictures(0, "channels-first", 1, 1, 2, black=0.0, white=255.0)
    drawn = pictures.rgb(np.array([[[[0, 255]]]], "uint8"))
    assert torch.equal(drawn, torch.tensor([[-1.0, 1.0]]).expand(1, 3, 1, 2))


def test_what_is_transparent_shows_white() -> None:
    pictures = Pictures(0, "channels-last", 4, 1, 1)
    opaque, clear = np.array([-1, 0, 1, 1.0]), np.array([-1, 0, 1, -1.0])
    assert pictures.rgb(opaque.reshape(1, 1, 1, 4)).flatten().tolist() == [-1, 0, 1]
    assert pictures.rgb(clear.reshape(1, 1, 1, 4)).flatten().tolist() == [1, 1, 1]
