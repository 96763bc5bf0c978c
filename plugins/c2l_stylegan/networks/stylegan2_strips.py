"""The high resolutions of StyleGAN2, a strip of rows at a time.

At 1024 px the features of one image take 134 MB. Whole, they would be written to memory and read
back between any two operations, and allocated anew for each, which costs more than the arithmetic
of most. So features flow here as a stream of strips, top to bottom, each small enough for the
processor's cache: a layer keeps the last rows of one strip for the first of the next, and takes
strips from the layer below as it needs them. Of the features of the high resolutions no more than a
few strips ever exist. With several threads, each draws a band of the image from strips of its own;
only what layers see beyond the edge of a band, a few rows, is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch.nn.functional as F
from torch import Tensor

from c2l_stylegan.cpu.fast_path import allows_fast_path
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.strips import Strips, overlapping, split
from c2l_stylegan.cpu.threads import num_workers, parallel_map
from c2l_stylegan.networks.stylegan2_block import Block
from c2l_stylegan.networks.torgb import ToRGB

Step: TypeAlias = tuple[Block, Tensor, list[Tensor | None]]
"""A block, its latents (1, num_convs + 1, w_dim), and the noise of each of its convolutions."""

_BYTES = 1 << 22
"""Of a strip, in float32: larger ones cost fewer steps, and at last no longer fit the cache."""
_FEWEST_ROWS = 8
"""Of the features below, in a band: of fewer, most would be computed by its neighbours as well."""


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
    stages: list[_Stage] = []
    drawn = []
    for block, ws, noises in steps:
        stages.append(_Upsampling(block, ws[:, 0], noises[0]))
        stages.append(_Convolution(block, ws[:, 1], noises[1]))
        if block.has_torgb:
            colours = ws.new_empty(1, len(block.torgb.weight), *block.conv1.size)
            stages.append(_Colours(block.torgb, ws[:, 2], colours))
            drawn.append((block, colours))
    height = steps[-1][0].conv1.size[0]
    num = max(1, min(num_workers(), x.shape[2] // _FEWEST_ROWS))

    def work(band: _Band) -> None:
        rows, needed = band.rows(height), []
        for stage in reversed(stages):
            needed.append(rows)
            rows = stage.needs(rows)
        strips: Strips = iter([x[:, :, rows.start : rows.stop]])
        for stage, rows in zip(stages, reversed(needed), strict=True):
            strips = stage.run(strips, rows, band)
        for _ in strips:
            pass

    parallel_map(work, [_Band(i, num) for i in range(num)])
    images = []
    for block, colours in drawn:
        image = block.over(image, colours)
        images.append(image)
    return images


@dataclass(frozen=True)
class _Band:
    """One of several parts of an image, each as high as the others, or a row higher."""

    index: int
    num: int

    def rows(self, height: int) -> range:
        """Those of features of this height."""
        return range(height * self.index // self.num, height * (self.index + 1) // self.num)


class _Stage(Protocol):
    """A layer, prepared for all strips of one image."""

    def needs(self, rows: range) -> range:
        """The rows of what comes in that these rows of what goes out are made of."""

    def run(self, strips: Strips, rows: range, band: _Band) -> Strips:
        """From strips of the rows that ``rows`` need, strips of ``rows``."""


class _Upsampling:
    """A layer that doubles the resolution: transposed convolution, low-pass filter, activation."""

    def __init__(self, block: Block, w: Tensor, noise: Tensor | None) -> None:
        layer, dtype = block.conv0, block.feature_dtype
        styles, scale, bias, self.strength = layer.factors(w)
        self.layer, self.noise, self.bias = layer, noise, bias.to(dtype)
        self.weight = layer.scaled_weight(styles, scale).transpose(0, 1).to(dtype)
        # How many rows further up a row of the transposed convolution reaches.
        self.reach = (self.weight.shape[2] - 1) // 2
        self.height = layer.size[0] // 2

    def needs(self, rows: range) -> range:
        _, pairs = self._raised(rows)
        return range(max(0, pairs.start - self.reach), min(pairs.stop, self.height))

    def run(self, strips: Strips, rows: range, band: _Band) -> Strips:
        wanted, pairs = self._raised(rows)
        before, after = 2 * pairs.start - wanted.start, wanted.stop - 2 * pairs.stop
        top = rows.start
        for x in overlapping(
            self._pairs(strips, pairs), len(wanted) - len(rows), before=before, after=after
        ):
            y = self.layer.blur(x, self.bias, pad_rows=False)
            yield self.layer.activate(_with_noise(y, self.noise, self.strength, top))
            top += y.shape[2]

    def _raised(self, rows: range) -> tuple[range, range]:
        """The rows of the transposed convolution that the filter sees, and all pairs of such.

        It sees zeros beyond the pairs; they end with a row of zeros of their own.
        """
        low, _ = self.layer.blur_padding(0)
        taps = len(self.layer.resample_filter)
        wanted = range(rows.start - low, rows.stop - low + taps - 1)
        return wanted, range(
            max(wanted.start, 0) // 2, min(-(-wanted.stop // 2), self.height + self.reach)
        )

    def _pairs(self, strips: Strips, pairs: range) -> Strips:
        """The transposed convolution; each row further down adds a pair to what goes out."""
        before = max(0, self.reach - pairs.start)
        after = max(0, pairs.stop - self.height)
        rows = max(1, _BYTES * self.layer.size[0] // self.layer.num_bytes() // 2)
        padding = 2 * self.reach, 0
        for x in overlapping(split(strips, rows), self.reach, before=before, after=after):
            yield F.conv_transpose2d(
                x.to(self.weight.dtype),
                self.weight,
                stride=2,
                padding=padding,
                output_padding=(1, 0),
            )


class _Convolution:
    """A layer that keeps the resolution."""

    def __init__(self, block: Block, w: Tensor, noise: Tensor | None) -> None:
        layer = block.conv1
        styles, scale, bias, self.strength = layer.factors(w)
        self.layer, self.noise = layer, noise
        size = (1, layer.weight.shape[1], *layer.size)
        self.convolve = layer.modulated(size, styles, scale, bias, dtype=block.feature_dtype)
        self.around = layer.weight.shape[2] // 2

    def needs(self, rows: range) -> range:
        height = self.layer.size[0]
        return range(max(0, rows.start - self.around), min(rows.stop + self.around, height))

    def run(self, strips: Strips, rows: range, band: _Band) -> Strips:
        scratch = Scratch(self.layer.weight)
        needed, top = self.needs(rows), rows.start
        for x in overlapping(
            strips,
            2 * self.around,
            before=needed.start - rows.start + self.around,
            after=rows.stop - needed.stop + self.around,
            multiple=4,
        ):
            y = self.convolve(x, False, scratch)
            yield self.layer.activate(_with_noise(y, self.noise, self.strength, top))
            top += y.shape[2]


class _Colours:
    """What passes is drawn."""

    def __init__(self, layer: ToRGB, w: Tensor, image: Tensor) -> None:
        self.layer, self.w, self.image = layer, w, image

    def needs(self, rows: range) -> range:
        return rows

    def run(self, strips: Strips, rows: range, band: _Band) -> Strips:
        own, top = band.rows(self.image.shape[2]), rows.start
        for x in strips:
            # The others are drawn with the bands they belong to.
            first, last = max(own.start, top), min(own.stop, top + x.shape[2])
            if first < last:
                drawn = self.layer(x[:, :, first - top : last - top], self.w)
                self.image[:, :, first:last] = drawn
            yield x
            top += x.shape[2]


def _with_noise(y: Tensor, noise: Tensor | None, strength: Tensor, top: int) -> Tensor:
    if noise is None:
        return y
    # In the dtype of the features, since to add one dtype to another is slow.
    return y.add_((noise[:, :, top : top + y.shape[2]] * strength).to(y.dtype))
