"""The pen of the landscapes world: flat shapes on an oversampled index image.

Shapes are polygons in unit coordinates, each in a material (a name, coloured later).  What comes
out is how much of every pixel each material covers, which is anti-aliased by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Array = npt.NDArray[np.float32]
Point = tuple[float, float]
OVERSAMPLING = 6


def smooth(*points: Point, steps: int = 14) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    p = np.array([points[0], *points, points[-1]], dtype=float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * (b - c) + d - a) * t**3
            )
        )
    return [(float(x), float(y)) for x, y in np.vstack([*parts, p[-1:]])]


class Pen:
    """Draws in unit coordinates (y down) on an index image; later shapes hide earlier ones."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.scale = size * OVERSAMPLING
        self.image = Image.new("L", (self.scale, self.scale), 0)
        self.draw = ImageDraw.Draw(self.image)
        self.materials: list[str] = []

    def ink(self, material: str) -> int:
        """The index of a material."""
        if material not in self.materials:
            self.materials.append(material)
        return self.materials.index(material) + 1

    def poly(self, material: str, *points: Point) -> None:
        """A filled polygon."""
        self.draw.polygon([(x * self.scale, y * self.scale) for x, y in points], self.ink(material))

    def ground(self, material: str, *points: Point) -> None:
        """Everything below a line."""
        self.poly(material, (-0.2, 1.3), *points, (1.2, 1.3))

    def oval(self, material: str, x: float, y: float, rx: float, ry: float | None = None) -> None:
        """A filled ellipse; a circle when only one radius is given."""
        ry = rx if ry is None else ry
        s = self.scale
        box = ((x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s)
        self.draw.ellipse(box, self.ink(material))

    def stroke(self, material: str, points: Sequence[Point], start: float, end: float) -> None:
        """A line whose width goes from start to end."""
        for i, (x, y) in enumerate(points):
            self.oval(material, x, y, (start + (end - start) * i / max(1, len(points) - 1)) / 2)
            if i:
                w = start + (end - start) * i / (len(points) - 1)
                line = [(u * self.scale, v * self.scale) for u, v in points[i - 1 : i + 1]]
                self.draw.line(line, self.ink(material), max(1, round(w * self.scale)))

    def fir(self, x: float, y: float, h: float, kind: str = "fir") -> None:
        """A fir standing at (x, y): three tiers with a lit side, a dark side and snow."""
        self.poly(
            "trunk",
            (x - h * 0.03, y),
            (x - h * 0.03, y - h * 0.2),
            (x + h * 0.03, y - h * 0.2),
            (x + h * 0.03, y),
        )
        for top, low, w in ((0.45, 0.1, 0.23), (0.72, 0.34, 0.18), (1.0, 0.58, 0.13)):
            tip, foot = y - h * top, y - h * low
            self.poly(f"{kind}_dark", (x, tip), (x + h * w, foot), (x, foot + h * 0.03))
            self.poly(f"{kind}_light", (x, tip), (x - h * w, foot), (x, foot + h * 0.03))
            mid = tip + (foot - tip) * 0.55
            self.poly(
                f"{kind}_snow",
                (x, tip),
                (x - h * w * 0.56, mid),
                (x - h * w * 0.15, mid - h * 0.02),
                (x + h * w * 0.1, mid + h * 0.04),
                (x + h * w * 0.5, mid),
            )

    def tree(self, x: float, y: float, h: float, kind: str = "leaf") -> None:
        """A round tree standing at (x, y)."""
        self.poly(
            "trunk",
            (x - h * 0.05, y),
            (x - h * 0.03, y - h * 0.5),
            (x + h * 0.03, y - h * 0.5),
            (x + h * 0.05, y),
        )
        self.oval(f"{kind}_dark", x + h * 0.08, y - h * 0.55, h * 0.3, h * 0.28)
        self.oval(f"{kind}_dark", x - h * 0.12, y - h * 0.5, h * 0.25, h * 0.22)
        self.oval(f"{kind}_dark", x + h * 0.02, y - h * 0.72, h * 0.25, h * 0.27)
        self.oval(f"{kind}_light", x - h * 0.08, y - h * 0.7, h * 0.2, h * 0.2)
        self.oval(f"{kind}_light", x - h * 0.15, y - h * 0.54, h * 0.19, h * 0.15)
        self.oval(f"{kind}_light", x + h * 0.1, y - h * 0.62, h * 0.12, h * 0.1)

    def coverage(self) -> Array:
        """How much of each pixel each material covers: (materials, size, size)."""
        ids, n, k = np.asarray(self.image), self.size, OVERSAMPLING
        maps = [(ids == i + 1).reshape(n, k, n, k).mean((1, 3)) for i in range(len(self.materials))]
        return np.stack(maps).astype(np.float32)


Draw = Callable[[Pen], None]


@cache
def drawn(draw: Draw, size: int) -> tuple[tuple[str, ...], Array]:
    """A layer's materials and their coverage maps."""
    pen = Pen(size)
    draw(pen)
    return tuple(pen.materials), pen.coverage()
