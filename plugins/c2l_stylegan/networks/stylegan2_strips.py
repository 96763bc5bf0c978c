"""The high resolutions of StyleGAN2, a strip of rows at a time.

At 1024 px the features of one image take 134 MB. Whole, they would be written to memory and read
back between any two operations, and allocated anew for each, which costs more than the arithmetic
of most. So features flow here as a stream of strips, top to bottom, each small enough for the
processor's cache: a layer keeps the last rows of one strip for the first of the next, and takes
strips from the layer below as it needs them. Nothing is computed twice, and of the features of the
high resolutions no more than a few strips ever exist. With several threads, each has some of the
layers, and works on one strip while the next thread has the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TypeAlias

import torch.nn.functional as F
from torch import Tensor

from c2l_stylegan.cpu.fast_path import allows_fast_path
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.strips import Strips, overlapping, split
from c2l_stylegan.cpu.threads import num_workers, prefetching
from c2l_stylegan.networks.stylegan2_block import Block, ModulatedConv
from c2l_stylegan.networks.torgb import ToRGB

Step: TypeAlias = tuple[Block, Tensor, list[Tensor | None]]
"""A block, its latents (1, num_convs + 1, w_dim), and the noise of each of its convolutions."""

_BYTES = 1 << 22
"""Of a strip, in float32: larger ones cost fewer steps, and at last no longer fit the cache."""


def is_faster(block: Block, x: Tensor) -> bool:
    """Whether to draw this block, and all above it, from features ``x`` in strips."""
    if not allows_fast_path(x) or len(x) != 1 or block.is_resnet or block.conv0.up == 1:
        return False
    is_usual = block.conv0.weight.shape[2] % 2 == 1 and min(block.conv0.blur_padding(0)) >= 0
    return is_usual and block.conv0.num_bytes() > 2 * _BYTES


def draw(x: Tensor, image: Tensor | None, steps: Sequence[Step]) -> list[Tensor]:
    """Take features (1, C, h, w) and the image up to now through blocks; in no-grad mode only.

    Args:
        x: the features below the first block; not changed.
        steps: blocks, each with its latents and noises as for its ``forward``.
    Returns:
        the image as it stands after each block that draws.
    """
    strips: Strips = iter([x])
    drawn = []
    # Several threads begin sooner with small strips, and together have as many at a time.
    num_bytes = _BYTES if num_workers() == 1 else _BYTES // 2
    ends_stage = _ends_of_stages(
        [layer for block, *_ in steps for layer in (block.conv0, block.conv1)]
    )
    with prefetching(sum(ends_stage.values())) as prefetch:
        for block, ws, noises in steps:
            strips = _upsampled(block, strips, ws[:, 0], noises[0], num_bytes)
            if ends_stage[block.conv0]:
                strips = prefetch(strips)
            strips = _convolved(block.conv1, strips, ws[:, 1], noises[1])
            if block.has_torgb:
                colours = ws.new_empty(1, len(block.torgb.weight), *block.conv1.size)
                strips = _coloured(block.torgb, strips, ws[:, 2], colours)
                drawn.append((block, colours))
            if ends_stage[block.conv1]:
                strips = prefetch(strips)
        for _ in strips:
            pass
    images = []
    for block, colours in drawn:
        image = block.over(image, colours)
        images.append(image)
    return images


def _ends_of_stages(layers: Sequence[ModulatedConv]) -> dict[ModulatedConv, bool]:
    """Whether a layer is the last of its thread's, so that all have about as much to do."""
    workers = num_workers()
    if workers == 1:
        return dict.fromkeys(layers, False)
    ends = list(accumulate(map(_cost, layers)))
    # The last thread ends with the last layer, where the quotient is the number of threads.
    reached = [int(end * workers / ends[-1]) for end in ends]
    return {
        layer: now > before
        for layer, before, now in zip(layers, [0, *reached], reached, strict=False)
    }


def _cost(layer: ModulatedConv) -> float:
    """About the time it takes: multiplications, and what is done with each number put out.

    Measured at 128 to 1024 px: transposed convolutions are slower by two thirds, and Winograd's
    algorithm makes less of a difference than that.
    """
    share = 1.7 / 4 if layer.up == 2 else 1.0
    pixels = layer.size[0] * layer.size[1]
    return pixels * (layer.weight.numel() * share + 256 * len(layer.weight))


def _upsampled(
    block: Block, strips: Strips, w: Tensor, noise: Tensor | None, num_bytes: int
) -> Strips:
    layer, dtype = block.conv0, block.feature_dtype
    styles, scale, bias, strength = layer.factors(w)
    weight, bias = layer.scaled_weight(styles, scale).transpose(0, 1).to(dtype), bias.to(dtype)
    # How many rows further up a row of the transposed convolution reaches.
    reach = (weight.shape[2] - 1) // 2

    def raised() -> Strips:
        rows = max(1, num_bytes * layer.size[0] // layer.num_bytes() // 2)
        for x in overlapping(split(strips, rows), reach, before=reach, after=reach):
            yield F.conv_transpose2d(
                x.to(dtype), weight, stride=2, padding=(2 * reach, 0), output_padding=(1, 0)
            )

    low, high = layer.blur_padding(0)
    # ``raised`` ends with one row of zeros too many.
    overlap = len(layer.resample_filter) - 1
    top = 0
    for x in overlapping(raised(), overlap, before=low, after=high - 1):
        y = layer.blur(x, bias, pad_rows=False)
        yield layer.activate(_with_noise(y, noise, strength, top))
        top += y.shape[2]


def _convolved(layer: ModulatedConv, strips: Strips, w: Tensor, noise: Tensor | None) -> Strips:
    styles, scale, bias, strength = layer.factors(w)
    first = next(strips)
    size = (*first.shape[:2], *layer.size)
    # The layers take turns, so each has a scratch of its own.
    convolve = layer.modulated(
        size, styles, scale, bias, dtype=first.dtype, scratch=Scratch(layer.weight)
    )
    around = layer.weight.shape[2] // 2
    top = 0
    for x in overlapping(
        chain([first], strips), 2 * around, before=around, after=around, multiple=4
    ):
        y = convolve(x, False)
        yield layer.activate(_with_noise(y, noise, strength, top))
        top += y.shape[2]


def _coloured(layer: ToRGB, strips: Strips, w: Tensor, image: Tensor) -> Strips:
    top = 0
    for x in strips:
        image[:, :, top : top + x.shape[2]] = layer(x, w)
        yield x
        top += x.shape[2]


def _with_noise(y: Tensor, noise: Tensor | None, strength: Tensor, top: int) -> Tensor:
    if noise is None:
        return y
    # In the dtype of the features, since to add one dtype to another is slow.
    return y.add_((noise[:, :, top : top + y.shape[2]] * strength).to(y.dtype))
