"""What is made of weights: once, unless they change in whatever way, and gone when they are."""

from __future__ import annotations

import copy
import gc

import pytest
import torch
from torch import Tensor

from c2l_stylegan.cpu import kept as module
from c2l_stylegan.cpu.kept import kept


def weight(*, inputs: int = 8) -> Tensor:
    drawn = torch.randn(5, inputs, 3, 3, generator=torch.Generator().manual_seed(0))
    return torch.nn.Parameter(drawn.contiguous(memory_format=torch.channels_last))


def test_it_is_made_once_for_each_name_and_weight() -> None:
    one = weight()
    assert kept(one, "a", lambda: 1) == 1
    assert kept(one, "a", lambda: 2) == 1
    assert kept(one, "b", lambda: 3) == 3
    assert kept(copy.deepcopy(one), "a", lambda: 4) == 4
    assert kept(one, "a", lambda: 5) == 1


def test_weights_of_any_width() -> None:
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        odd = weight(inputs=7).to(dtype)
        assert kept(odd, "a", lambda: 1) == kept(odd, "a", lambda: 2) == 1


@pytest.mark.parametrize("inputs", [8, 7])
@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.data.neg_(),
        lambda w: w.data[4, 6, 2, 1].mul_(1 + 2**-23),
        lambda w: w.detach().numpy().sort(axis=3),
        lambda w: w.data.copy_(w.data.flip(2)),
        lambda w: w.data.copy_(w.data.roll(1, 0)),
        lambda w: setattr(w, "data", w.data * 2),
    ],
    ids=["sign", "last bit", "numpy", "flipped", "rolled", "replaced"],
)
def test_every_change_counts(change, inputs) -> None:
    one = weight(inputs=inputs)
    assert kept(one, "a", lambda: 1) == 1
    assert kept(one, "b", lambda: 1) == 1
    change(one)
    assert kept(one, "a", lambda: 2) == 2
    assert kept(one, "b", lambda: 2) == 2


def test_memory_orders_do_not_matter() -> None:
    one = weight()
    for order in (one.data.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2), one.data[::2]):
        assert kept(order, "a", lambda: 1) == 1
        assert kept(order, "a", lambda: 2) == 1
        order[0, 0] += 1
        assert kept(order, "a", lambda: 3) == 3


def test_nothing_outlives_its_weights() -> None:
    gc.collect()
    before = len(module._kept)
    one = weight()
    kept(one, "a", lambda: 1)
    assert len(module._kept) == before + 1
    del one
    gc.collect()
    assert len(module._kept) == before


def test_what_fails_is_tried_again() -> None:
    one = weight()
    with pytest.raises(ZeroDivisionError):
        kept(one, "a", lambda: 1 // 0)
    assert kept(one, "a", lambda: 2) == 2
