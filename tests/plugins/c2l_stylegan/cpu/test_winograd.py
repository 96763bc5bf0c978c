"""Winograd's algorithm against the plain sum."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.winograd import Winograd


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("size", [(12, 16), (13, 10), (3, 5)])
def test_all_rows_and_some(size: tuple[int, int], padding: int) -> None:
    torch.manual_seed(0)
    x, styles = torch.randn(*size, 7).double(), torch.rand(7).double()
    weight = torch.randn(5, 7, 3, 3).double()
    image = (x * styles).permute(2, 0, 1)[None]
    expected = F.conv2d(image, weight, padding=padding)[0].permute(1, 2, 0)
    convolution = Winograd(weight, padding, Scratch(x))
    height = len(expected)
    for first, last in [(0, height), (0, 1), (height // 2, height), (height - 1, height)]:
        rows = convolution.rows(x, styles, first, last, Scratch(x))
        torch.testing.assert_close(rows, expected[first:last], rtol=0, atol=1e-11)


def test_it_is_as_accurate_as_the_plain_sum() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(24, 24, 256), torch.randn(64, 256, 3, 3) / 48
    rows = Winograd(weight, 2, Scratch(x)).rows(x, torch.ones(256), 0, 26, Scratch(x))
    image = x.permute(2, 0, 1)[None]
    exact = F.conv2d(image.double(), weight.double(), padding=2)[0].permute(1, 2, 0)
    assert float((rows - exact).square().mean().sqrt()) < 3e-6
    assert float((rows - exact).abs().max()) < 3e-5
