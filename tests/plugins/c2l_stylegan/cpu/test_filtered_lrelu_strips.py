"""The fast path of StyleGAN3 on CPUs against the plain, differentiable one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from c2l_stylegan.cpu import filtered_lrelu_strips
from c2l_stylegan.cpu.banded_filters import separable
from c2l_stylegan.cpu.filtered_lrelu_strips import LayerInStrips
from c2l_stylegan.cpu.row_convolutions import row_convolution
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.filtered_lrelu import FilteredLeakyReLU
from c2l_stylegan.networks.filters import lowpass_filter
from c2l_stylegan.networks.settings import StyleGAN3Settings


class Poisoned(Scratch):
    """Whoever reads what was not written is found out."""

    def take(self, name: str, *shape: int) -> Tensor:
        return super().take(name, *shape).fill_(float("nan"))


def strip_by_strip(
    x: Tensor, weight: Tensor, activate: FilteredLeakyReLU, filters: tuple[Tensor, Tensor]
) -> Tensor:
    """(H, W, I) to (H', W', O), in two blocks of rows.

    Styles, scale and bias leave the values as they are.
    """
    layer = LayerInStrips(row_convolution(weight, Poisoned(x)), activate, *filters)
    outputs, inputs = weight.shape[:2]
    y = x.new_full((*activate.out_size, outputs), float("nan"))
    factors = x.new_ones(inputs), x.new_ones(outputs), x.new_zeros(outputs)
    height = len(y)
    border = height // 2 // activate.up * activate.up
    for rows in filter(len, (range(border, height), range(border))):
        layer.run(x, *factors, y, rows, Poisoned(x))
    return y


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_geometry(data: st.DataObject) -> None:
    draw = data.draw
    up, down = draw(st.sampled_from([(1, 1), (2, 2), (4, 2), (2, 1), (3, 2), (2, 4), (8, 2)]))
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    # Sizes as they come, with margins that grow or shrink.
    margins = draw(st.integers(-6, 12)), draw(st.integers(-6, 12))
    out_size = (
        max(1, height * up // down + margins[0]),
        max(1, width * up // down + margins[1]),
    )
    torch.manual_seed(draw(st.integers(0, 9)))
    up_filter = torch.rand(draw(st.integers(1, 6)) * up, dtype=torch.float64)
    num_taps = draw(st.integers(1, 13))
    shape = (num_taps, num_taps) if draw(st.booleans()) else (num_taps,)
    filters = up_filter, torch.rand(shape, dtype=torch.float64)
    size, channels = draw(st.sampled_from([1, 2, 3])), draw(st.integers(1, 4))
    activate = FilteredLeakyReLU(
        up=up,
        down=down,
        in_size=(height + size - 1, width + size - 1),
        out_size=out_size,
        slope=draw(st.sampled_from([0.2, 1.0])),
        gain=1.5,
        clamp=draw(st.sampled_from([None, 2.0])),
    )
    x = torch.randn(height, width, 2, dtype=torch.float64)
    weight = torch.randn(channels, 2, size, size, dtype=torch.float64)
    y = strip_by_strip(x, weight, activate, filters)
    plain = F.conv2d(x.permute(2, 0, 1)[None], weight, padding=size - 1)
    expected = activate(plain, *filters)[0].permute(1, 2, 0)
    # The sum of separable filters ends at a millionth.
    torch.testing.assert_close(y, expected, rtol=0, atol=2e-5 * float(expected.abs().max() + 1))


@pytest.mark.parametrize(("strip", "active"), [(1, 100), (4000, 1000), (9000, 1 << 20)])
def test_strips_of_any_size(monkeypatch: pytest.MonkeyPatch, strip: int, active: int) -> None:
    monkeypatch.setattr(filtered_lrelu_strips, "_STRIP", strip)
    monkeypatch.setattr(filtered_lrelu_strips, "_ACTIVE", active)
    torch.manual_seed(0)
    activate = FilteredLeakyReLU(
        up=4, down=2, in_size=(27, 23), out_size=(50, 41), slope=0.2, gain=1.5, clamp=2.0
    )
    filters = torch.rand(24).double() / 24, torch.rand(12, 12).double() / 144
    x = torch.randn(25, 21, 5).double()
    weight = torch.randn(6, 5, 3, 3).double()
    y = strip_by_strip(x, weight, activate, filters)
    plain = F.conv2d(x.permute(2, 0, 1)[None], weight, padding=2)
    expected = activate(plain, *filters)[0].permute(1, 2, 0)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(("first", "last"), [(0, 13), (0, 1), (3, 8), (11, 13), (4, 5)])
def test_rows_of_a_convolution(size: int, first: int, last: int) -> None:
    torch.manual_seed(0)
    x, styles = torch.randn(13, 10, 7).double(), torch.rand(7).double()
    weight = torch.randn(5, 7, size, size).double()
    rows = row_convolution(weight, Poisoned(x)).rows(x, styles, first, last, Poisoned(x))
    image = (x * styles).permute(2, 0, 1)[None]
    expected = F.conv2d(image, weight, padding=size - 1)[0].permute(1, 2, 0)
    torch.testing.assert_close(rows, expected[first:last], rtol=0, atol=1e-11)


def test_radial_filters_are_a_few_separable_ones() -> None:
    radial = lowpass_filter(12, cutoff=40.0, width=60.0, sampling_rate=256, radial=True)
    assert radial is not None
    down, across = separable(radial)
    assert len(down) <= 5
    torch.testing.assert_close(down.T @ across, radial, rtol=0, atol=2e-6 * float(radial.max()))


_SMALL = {
    "z_dim": 8,
    "c_dim": 0,
    "w_dim": 8,
    "img_resolution": 16,
    "img_channels": 3,
    "channel_base": 512,
    "channel_max": 12,
    "num_layers": 5,
}
_VARIANTS: dict[str, dict[str, Any]] = {
    "t": {},
    "r": {"conv_kernel": 1, "use_radial_filters": True},
    "radial 3x3": {"use_radial_filters": True, "filter_size": 5},
    "no oversampling": {"lrelu_upsampling": 1},
    "four times oversampled": {"lrelu_upsampling": 4, "conv_clamp": None},
    "no margin": {"margin_size": 0, "num_critical": 1},
    "long filters": {"filter_size": 9, "margin_size": 7, "num_critical": 3},
    "grey 5x5": {"img_channels": 1, "conv_kernel": 5, "img_resolution": 32},
}


def images(variant: str) -> tuple[StyleGAN, Tensor]:
    torch.manual_seed(0)
    network = StyleGAN.initialised(StyleGAN3Settings.from_init_kwargs(_SMALL | _VARIANTS[variant]))
    network.requires_grad_(False)
    return network, torch.randn(3, network.num_ws, 8)


@pytest.mark.parametrize("variant", _VARIANTS)
def test_networks(variant: str) -> None:
    network, ws = images(variant)
    fast = network.synthesis(ws)
    recorded = network.synthesis(ws.requires_grad_())
    assert not fast.requires_grad and recorded.requires_grad
    plain = recorded.detach()
    torch.testing.assert_close(fast, plain, rtol=0, atol=2e-5 * float(plain.std()))


@pytest.mark.parametrize("variant", ["t", "r"])
def test_an_image_does_not_depend_on_its_batch(variant: str) -> None:
    network, ws = images(variant)
    together = network.synthesis(ws)
    alone = torch.cat([network.synthesis(w[None]) for w in ws])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5 * float(alone.std()))


@pytest.mark.parametrize("up", [1, 2, 4])
def test_no_filter_is_that_of_one_tap(up: int) -> None:
    """As in the colours of a network without critical layers."""
    size = (5 * up, 4 * up)
    activate = FilteredLeakyReLU(
        up=up, down=1, in_size=(5, 4), out_size=size, slope=1, gain=1, clamp=None
    )
    x = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    y = activate(x, None, None)
    torch.testing.assert_close(y, activate(x, torch.ones(1), None))
    torch.testing.assert_close(y.mean(), x.mean())


def test_changed_weights_and_filters_count_at_once() -> None:
    network, ws = images("r")
    before = network.synthesis(ws)
    with torch.no_grad():
        for name, tensor in network.synthesis.state_dict().items():
            if name.endswith(("filter", "weight")):
                tensor.mul_(1.1).add_(0.01)
    after, plain = network.synthesis(ws), network.synthesis(ws.requires_grad_()).detach()
    assert not torch.allclose(before, after, atol=1e-2 * float(plain.std()))
    torch.testing.assert_close(after, plain, rtol=0, atol=1e-4 * float(plain.std()))


def test_pictures_outlive_later_ones() -> None:
    network, ws = images("no oversampling")
    first = network.synthesis(ws)
    kept = first.clone()
    network.synthesis(ws.flip(0))
    assert torch.equal(first, kept)
