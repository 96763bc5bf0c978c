"""Upsampling convolutions whose weights are blurred, which is how GPUs compute them."""

from __future__ import annotations

import pytest
import torch

from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.settings import StyleGAN2Settings
from c2l_stylegan.networks.stylegan2_block import ModulatedConv

SETTINGS = StyleGAN2Settings.from_init_kwargs(
    {"z_dim": 8, "c_dim": 0, "w_dim": 8, "img_resolution": 16, "img_channels": 3}
)


def layer(taps: tuple[float, ...]) -> ModulatedConv:
    torch.manual_seed(0)
    return ModulatedConv(5, 7, up=2, resolution=16, taps=resampling_filter(taps), settings=SETTINGS)


@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2), (1, 2, 3, 5, 3, 2, 1, 4)])
@torch.no_grad()
def test_it_is_the_convolution_and_the_blur(taps: tuple[float, ...]) -> None:
    conv, x, bias = layer(taps), torch.randn(2, 5, 6, 8), torch.randn(7)
    plain = conv.convolve(conv.weight, bias, x, True)
    assert plain.shape == (2, 7, 12, 16)
    torch.testing.assert_close(conv.convolve_blurred(conv.weight, bias, x), plain)


def test_uneven_filters_are_left_to_the_blur() -> None:
    assert layer((1, 2, 1)).cropped is None
