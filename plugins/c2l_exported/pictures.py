"""From what a network gives to RGB pictures in [-1, 1].

Shapes: B batch, C channels, H and W height and width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from c2l_exported.facts import Facts
from c2l_exported.inputs import Undecided

Array = np.ndarray[Any, Any]
Layout = Literal["channels-first", "channels-last", "no channels", "flat"]
Shaped = tuple[Layout, int, int, int]
"""Layout, channels, height and width."""

_CHANNELS = (1, 3, 4)
_FEWEST_PIXELS = 16
_FAINT = 0.25
"""Of the highest value: negative values this small are the overshoot of a network in [0, 1], or
the dark end of one in [-1, 1] that is nearly always bright. Nobody can tell."""


@dataclass(frozen=True)
class Pictures:
    """How pictures lie in an output.

    Args:
        output: which one, counted from 0.
        layout: where its channels are; ``flat`` is one row of numbers for a picture.
        channels: 1 is grey, 3 RGB, 4 RGB with opacity.
        height, width: in pixels.
        black, white: what stands for them.
    """

    output: int
    layout: Layout
    channels: int
    height: int
    width: int
    black: float = -1.0
    white: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture in the output."""
        height, width = self.height, self.width
        return {
            "channels-first": (self.channels, height, width),
            "channels-last": (height, width, self.channels),
            "no channels": (height, width),
            "flat": (self.channels * height * width,),
        }[self.layout]

    def rgb(self, array: Array) -> Tensor:
        """Float32, (B, 3, H, W), black -1 and white 1; transparent places show white."""
        size = (self.height, self.width)
        values = torch.from_numpy(array)
        values = values.float()
        if self.layout == "channels-last":
            values = values.movedim(-1, 1)
        values = values.reshape(len(array), self.channels, *size)
        unit = (values - self.black) / (self.white - self.black)
        if self.channels == 4:
            opacity = unit[:, 3:].clamp(0, 1)
            unit = unit[:, :3] * opacity + (1 - opacity)
        return (2 * unit - 1).expand(-1, 3, -1, -1).contiguous()


def find_pictures(outputs: Sequence[Array], batch: int, facts: Facts) -> Pictures:
    """Which output holds the pictures, and how; the largest, and of equal ones the first.

    Raises:
        Undecided
    """
    if facts.output is not None and facts.output >= len(outputs):
        raise Undecided(f"has {len(outputs)} outputs, so none of number {facts.output}")
    places = range(len(outputs)) if facts.output is None else [facts.output]
    shaped = [(place, s) for place in places if (s := _shape(outputs[place], batch, facts))]
    if not shaped:
        shapes = ", ".join(str(tuple(outputs[i].shape)) for i in places)
        raise Undecided(f"gives no pictures for {batch} latents, but {shapes or 'nothing'}")
    place, (layout, channels, height, width) = max(
        shaped, key=lambda item: (item[1][2] * item[1][3], item[1][1] > 1, -item[0])
    )
    return Pictures(place, layout, channels, height, width)


def _shape(array: Array, batch: int, facts: Facts) -> Shaped | None:
    """Layout, channels, height and width of what could be pictures."""
    shape = array.shape
    if not shape or shape[0] != batch or array.dtype == bool:
        return None
    found: Shaped | None = None
    if len(shape) == 4:
        first: Shaped = ("channels-first", shape[1], shape[2], shape[3])
        last: Shaped = ("channels-last", shape[3], shape[1], shape[2])
        ways = [way for way in (first, last) if way[1] in _CHANNELS and _is_large(way)]
        found = _likelier(ways, shape, facts)
    elif len(shape) == 3:
        found = ("no channels", 1, shape[1], shape[2])
    elif len(shape) == 2:
        for channels in (1, 3):
            side = math.isqrt(shape[1] // channels)
            if channels * side * side == shape[1]:
                found = ("flat", channels, side, side)
    return found if found is not None and _is_large(found) else None


def _is_large(way: Shaped) -> bool:
    return way[2] * way[3] >= _FEWEST_PIXELS


def _likelier(ways: list[Shaped], shape: tuple[int, ...], facts: Facts) -> Shaped | None:
    """Channels first or last: what the TOML says; else the only way, or the one that is square."""
    ways = [way for way in ways if facts.layout in (None, way[0])]
    square = [way for way in ways if way[2] == way[3]]
    if len(ways) > 1 and len(square) != 1:
        raise Undecided(
            f"gives {tuple(shape)}, where channels may come first or last",
            'layout = "channels-first" or layout = "channels-last"',
        )
    return next(iter(square or ways), None)


def find_range(array: Array) -> tuple[float, float]:
    """The numbers of black and white, from the numbers of a few pictures.

    Raises:
        Undecided
    """
    if array.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind != "f" or max(-low, high) > 20:
        if low >= 0 and 20 < high <= 256:
            return 0.0, 255.0
    elif low >= 0 and high <= 1.05:
        return 0.0, 1.0
    elif low < 0 and not (-_FAINT * high < low and high > 0.5):
        return -1.0, 1.0
    raise Undecided(
        f"gives pixels from {low:.3g} to {high:.3g}, which does not tell what is black and white",
        "value_range = [-1, 1], or [0, 1], or [0, 255]",
    )
