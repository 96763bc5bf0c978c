"""A small painter's kit: colour mixing, smooth shapes and brush strokes on a 512 x 512 sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

SHEET = 512
Colour = tuple[int, ...]
Points = Sequence[tuple[float, float]]
WHITE: Colour = (255, 255, 255)


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """Blend two colours."""
    return tuple(round(x + (y - x) * t) for x, y in zip(a[:3], b[:3], strict=True))


def dim(colour: Colour, factor: float) -> Colour:
    """Darken a colour towards plum, as painters do."""
    return mix((48, 16, 44), colour, factor)


def glow(colour: Colour, t: float) -> Colour:
    """Lighten a colour."""
    return mix(colour, (255, 246, 226), t)


@lru_cache(maxsize=64)
def spline(count: int, closed: bool, steps: int = 7) -> npt.NDArray[np.float64]:
    """The matrix that takes `count` knots to points on the Catmull-Rom curve through them."""
    segments = count if closed else count - 1
    rows = np.zeros((segments * steps + (not closed), count))
    for row in range(len(rows)):
        k, t = divmod(row / steps, 1.0)
        weights = (
            (-t + 2 * t * t - t**3) / 2,
            (2 - 5 * t * t + 3 * t**3) / 2,
            (t + 4 * t * t - 3 * t**3) / 2,
            (t**3 - t * t) / 2,
        )
        for j, weight in enumerate(weights):
            knot = int(k) + j - 1
            rows[row, knot % count if closed else min(max(knot, 0), count - 1)] += weight
    return rows


@lru_cache(maxsize=16)
def stroke_basis(count: int) -> tuple[npt.NDArray[np.float64], ...]:
    """The matrices from knots to a curve and to its slopes, and an arch from 0 to 1 to 0."""
    line = spline(count, False)
    arch = np.sin(np.linspace(0, math.pi, len(line)))
    return line, np.asarray(np.gradient(line, axis=0)), arch


@lru_cache(maxsize=64)
def soft_ellipse(width: int, height: int, strength: int) -> Image.Image:
    """A feathered ellipse as a mask."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    falloff = np.clip(1 - (x * x + y * y), 0, 1) ** 1.5
    return Image.fromarray((falloff * strength).astype(np.uint8))


@lru_cache(maxsize=8192)
def blob_outline(knots: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """The closed curve through the knots."""
    return np.asarray(spline(len(knots), True) @ np.array(knots))


@lru_cache(maxsize=8192)
def stroke_outline(
    knots: tuple[tuple[float, float], ...], width: float, ends: float
) -> npt.NDArray[np.float64]:
    """The outline of a brush stroke through the knots."""
    line, slope, arch = stroke_basis(len(knots))
    points = np.array(knots, dtype=np.float64)
    path, across = line @ points, slope @ points[:, ::-1] * (-1.0, 1.0)
    length = np.sqrt((across * across).sum(1) + 1e-9)
    across *= ((ends + (1 - ends) * arch) * (width / 2) / length)[:, None]
    return np.concatenate([path + across, (path - across)[::-1]])


class Pen:
    """Draws smooth shapes on the sheet; x is measured from the middle, and widened by `wide`."""

    def __init__(self, sheet: Image.Image, wide: float) -> None:
        self.sheet = sheet
        self.wide = wide
        self.draw = ImageDraw.Draw(sheet)

    def flat(self, points: npt.ArrayLike) -> list[float]:
        """Sheet coordinates as the flat list that Pillow takes fastest."""
        placed = np.asarray(points) * (self.wide, 1.0) + (SHEET / 2, 0)
        flat: list[float] = placed.ravel().tolist()
        return flat

    def blob(self, points: Points, fill: Colour, mirror: bool = False) -> None:
        """Fill a closed smooth shape; with `mirror`, the knots are its right half from the top."""
        knots = list(points)
        if mirror:
            knots += [(-x, y) for x, y in reversed(knots) if x > 0]
        self.draw.polygon(self.flat(blob_outline(tuple(knots))), fill)

    def sharp(self, points: Points, fill: Colour) -> None:
        """Fill a polygon with corners."""
        self.draw.polygon(self.flat(points), fill)

    def stroke(self, points: Points, width: float, fill: Colour, ends: float = 0.25) -> None:
        """Draw a brush stroke through the knots, its ends tapered to `ends` of the width."""
        self.draw.polygon(self.flat(stroke_outline(tuple(points), width, ends)), fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Fill an ellipse."""
        x, rx = x * self.wide + SHEET / 2, rx * self.wide
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill)

    def ring(self, x: float, y: float, rx: float, ry: float, width: int, fill: Colour) -> None:
        """Outline an ellipse."""
        x, rx = x * self.wide + SHEET / 2, rx * self.wide
        self.draw.ellipse((x - rx, y - ry, x + rx, y + ry), outline=fill, width=width)

    def soft(self, x: float, y: float, rx: int, ry: int, fill: Colour, strength: int) -> None:
        """Paint a feathered ellipse."""
        corner = (round(x * self.wide + SHEET / 2 - rx), round(y - ry))
        self.sheet.paste(fill[:3], corner, soft_ellipse(2 * rx, 2 * ry, strength))
