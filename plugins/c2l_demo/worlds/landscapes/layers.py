"""The places of the landscapes world, in layers: what stands where, as shapes in named materials.

Everything is drawn for a horizon at `HORIZON`; positions are fixed, nothing is random per picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from c2l_demo.worlds.landscapes.pen import Draw, Pen, Point, smooth

HORIZON = 0.56  # height (down from the top) at which every layer is drawn


def peak(pen: Pen, x: float, top: float, left: float, right: float, base: float) -> None:
    """A mountain with a lit and a shaded face and a ragged cap of snow."""
    h = base - top
    ridge = [
        (x, top),
        (x + 0.05 * h, top + 0.2 * h),
        (x - 0.03 * h, top + 0.42 * h),
        (x + 0.09 * h, top + 0.68 * h),
        (x + 0.03 * h, base),
    ]
    pen.poly("rock_light", (x - left, base), (x, top), *ridge, (x + right, base))
    pen.poly("rock_dark", *ridge, (x + right, base))

    def at(part: float, down: float) -> Point:
        return (x + (right if part > 0 else left) * part * down, top + h * down)

    pen.poly(
        "cap_light",
        (x, top),
        at(-1, 0.4),
        at(-0.75, 0.33),
        at(-0.55, 0.45),
        at(-0.25, 0.34),
        ridge[2],
        ridge[1],
    )
    pen.poly(
        "cap_dark",
        (x, top),
        ridge[1],
        ridge[2],
        at(0.25, 0.35),
        at(0.5, 0.47),
        at(0.75, 0.34),
        at(1, 0.42),
    )


def draw_mountains_far(pen: Pen) -> None:
    """The pale range behind."""
    for x, top, w in ((0.12, 0.36, 0.3), (0.5, 0.33, 0.28), (0.72, 0.4, 0.22), (0.98, 0.31, 0.28)):
        peak(pen, x, top, w, w, 0.66)


def draw_mountains_near(pen: Pen) -> None:
    """The great peaks."""
    peak(pen, 0.02, 0.3, 0.3, 0.27, 0.74)
    peak(pen, 1.02, 0.26, 0.36, 0.3, 0.74)
    peak(pen, 0.34, 0.13, 0.4, 0.37, 0.74)


def draw_foothills(pen: Pen) -> None:
    """Meadows and firs at the foot of the peaks."""
    pen.ground(
        "grass_dark", *smooth((-0.1, 0.66), (0.2, 0.71), (0.55, 0.74), (0.85, 0.68), (1.1, 0.64))
    )
    for i in range(9):
        x = 0.52 + i * 0.06
        pen.fir(x, 0.745 - 0.055 * (i / 8), 0.1 + 0.03 * ((i * 5) % 3))
    for i in range(5):
        pen.tree(0.02 + i * 0.075, 0.71 + 0.012 * i, 0.11 + 0.02 * (i % 2))
    pen.ground("grass_light", *smooth((-0.1, 0.75), (0.3, 0.77), (0.6, 0.83), (1.1, 0.78)))
    pen.ground("grass_mid", *smooth((-0.1, 0.95), (0.3, 0.9), (0.7, 0.86), (1.1, 0.88)))
    for x, y, h in ((0.74, 0.95, 0.2), (0.86, 0.99, 0.27), (0.97, 0.96, 0.23)):
        pen.fir(x, y, h)


def draw_forest_far(pen: Pen) -> None:
    """A hazy line of firs."""
    pen.ground("fir_dark", (-0.1, 0.55), (1.1, 0.55))
    for i in range(17):
        pen.fir(i * 0.063, 0.58, 0.19 + 0.035 * ((i * 7) % 4))


def draw_forest_mid(pen: Pen) -> None:
    """Firs and round trees in the middle."""
    pen.ground("grass_dark", (-0.1, 0.68), (1.1, 0.68))
    for i in range(10):
        x, h = i * 0.11, 0.27 + 0.04 * ((i * 3) % 4)
        (pen.tree if i % 3 == 1 else pen.fir)(x, 0.72, h)


def draw_forest_near(pen: Pen) -> None:
    """The big trees and the path between them."""
    pen.ground("grass_mid", *smooth((-0.1, 0.73), (0.3, 0.76), (0.7, 0.75), (1.1, 0.72)))
    pen.poly(
        "path",
        *smooth((0.36, 1.1), (0.5, 0.92), (0.46, 0.83), (0.53, 0.755)),
        *smooth((0.55, 0.755), (0.53, 0.83), (0.64, 0.92), (0.66, 1.1)),
    )
    for x, y, h in ((0.22, 0.83, 0.4), (0.8, 0.82, 0.38)):
        pen.tree(x, y, h)
    for x, y, h in ((0.04, 0.92, 0.56), (0.95, 0.93, 0.6), (0.33, 0.9, 0.2), (0.7, 0.93, 0.24)):
        pen.fir(x, y, h)


def dune(pen: Pen, x: float, top: float, left: float, right: float, base: float) -> None:
    """A dune: a lit slope to the left, an S-shaped crest, a slope in shadow to the right."""
    slope = smooth((x - left, base), (x - left * 0.5, base - (base - top) * 0.36), (x, top))
    lee = smooth((x, top), (x + right * 0.45, base - (base - top) * 0.5), (x + right, base))
    d = base - top
    crest = smooth(
        (x, top),
        (x + 0.12 * right, top + 0.3 * d),
        (x - 0.12 * left, top + 0.62 * d),
        (x + 0.05 * right, base),
    )
    pen.poly("sand_light", *slope, *lee)
    pen.poly("sand_dark", *crest, *reversed(lee))
    pen.poly(
        "sand_light", (x - left, base - 0.002), (x + right, base - 0.002), (1.3, 1.3), (-0.3, 1.3)
    )


def draw_desert_far(pen: Pen) -> None:
    """Low dunes on the horizon."""
    pen.ground("sand_light", (-0.1, 0.6), (1.1, 0.6))
    dune(pen, 0.15, 0.49, 0.35, 0.3, 0.61)
    dune(pen, 0.9, 0.47, 0.4, 0.3, 0.62)
    dune(pen, 0.52, 0.5, 0.3, 0.26, 0.64)


def draw_desert_near(pen: Pen) -> None:
    """The great dunes and a cactus."""
    dune(pen, 0.34, 0.54, 0.55, 0.42, 0.76)
    dune(pen, 0.92, 0.6, 0.6, 0.4, 0.82)
    pen.ground("sand_light", *smooth((-0.1, 0.74), (0.2, 0.79), (0.6, 0.86), (1.1, 0.8)))
    pen.poly(
        "sand_dark",
        *smooth((0.2, 0.79), (0.42, 0.85), (0.6, 0.95), (0.62, 1.1)),
        (-0.2, 1.1),
        *smooth((-0.2, 0.98), (0.02, 0.92), (0.2, 0.79)),
    )
    for dx, kind, w in ((0.012, "cactus_dark", 0.05), (0.0, "cactus_light", 0.035)):
        pen.stroke(kind, [(0.82 + dx, 0.92), (0.82 + dx, 0.66)], w, w)
        pen.stroke(
            kind, smooth((0.82 + dx, 0.82), (0.755 + dx, 0.81), (0.75 + dx, 0.73)), w * 0.7, w * 0.7
        )
        pen.stroke(
            kind, smooth((0.82 + dx, 0.78), (0.885 + dx, 0.77), (0.89 + dx, 0.7)), w * 0.7, w * 0.7
        )


def house(pen: Pen, x: float, top: float, w: float, base: float, tone: str, step: float) -> None:
    """A tower block with windows, some of them lit, and room for snow on its roof."""
    pen.poly(f"{tone}_light", (x, top), (x + w * 0.62, top), (x + w * 0.62, base), (x, base))
    pen.poly(f"{tone}_dark", (x + w * 0.62, top), (x + w, top), (x + w, base), (x + w * 0.62, base))
    pen.poly(
        f"{tone}_roof",
        (x - 0.004, top - 0.014),
        (x + w + 0.004, top - 0.014),
        (x + w, top + 0.008),
        (x, top + 0.008),
    )
    columns, rows = max(2, int(w / step)), int((base - top - 0.05) / (step * 1.25))
    for r in range(rows):
        for c in range(columns):
            u = x + (c + 0.25) * w / columns
            v = top + 0.03 + r * step * 1.25
            lit = (r * 7 + c * 5 + int(x * 50)) % 5 not in (0, 3)
            pen.poly(
                "window_lit" if lit else "window_off",
                (u, v),
                (u + 0.55 * w / columns, v),
                (u + 0.55 * w / columns, v + step * 0.7),
                (u, v + step * 0.7),
            )


def draw_city_far(pen: Pen) -> None:
    """Hazy blocks behind."""
    tops = (0.4, 0.33, 0.44, 0.3, 0.38, 0.46, 0.42, 0.47, 0.4, 0.35, 0.43, 0.3, 0.41)
    for i, top in enumerate(tops):
        pen.poly(
            "tower_dark",
            (i * 0.08 - 0.01, top),
            (i * 0.08 + 0.07, top),
            (i * 0.08 + 0.07, 0.8),
            (i * 0.08 - 0.01, 0.8),
        )
    pen.ground("tower_dark", (-0.1, 0.56), (1.1, 0.56))


def draw_city_near(pen: Pen) -> None:
    """The towers."""
    for x, top, w in ((0.0, 0.36, 0.13), (0.3, 0.27, 0.13), (0.56, 0.47, 0.13), (0.86, 0.24, 0.15)):
        house(pen, x, top, w, 0.85, "tower", 0.032)
    pen.stroke("tower_dark", [(0.365, 0.27), (0.365, 0.15)], 0.014, 0.006)
    pen.poly("brick_dark", (0.2, 0.22), (0.245, 0.13), (0.29, 0.22))
    for x, top, w in ((0.165, 0.22, 0.15), (0.44, 0.5, 0.13), (0.72, 0.38, 0.14)):
        house(pen, x, top, w, 0.85, "brick", 0.034)


def draw_city_park(pen: Pen) -> None:
    """The trees, the lawn and the road before the towers."""
    pen.ground("grass_dark", (-0.1, 0.79), (1.1, 0.79))
    for i in range(11):
        pen.tree(0.02 + i * 0.098, 0.835, 0.14 + 0.02 * ((i * 3) % 4))
    pen.ground("grass_light", (-0.1, 0.83), (1.1, 0.83))
    pen.ground("road", (-0.1, 0.885), (1.1, 0.885))
    pen.ground("grass_mid", (-0.1, 0.955), (1.1, 0.955))


def draw_lake_far(pen: Pen) -> None:
    """A low range behind the lake."""
    for x, top, w in ((0.2, 0.37, 0.33), (0.84, 0.39, 0.36), (0.52, 0.43, 0.28)):
        peak(pen, x, top, w, w, 0.62)


def draw_lake_shore(pen: Pen) -> None:
    """The wooded far shore."""
    pen.ground(
        "grass_dark", *smooth((-0.1, 0.5), (0.2, 0.53), (0.5, 0.545), (0.8, 0.52), (1.1, 0.49))
    )
    for i in range(24):
        x = i * 0.044
        y = 0.553 - 0.05 * (2 * x - 1) ** 2
        (pen.tree if i % 4 == 2 else pen.fir)(x, y, 0.085 + 0.02 * ((i * 5) % 3))
    pen.ground("grass_light", (-0.1, 0.553), (1.1, 0.553))


def draw_lake_front(pen: Pen) -> None:
    """The near bank, a jetty and reeds."""
    pen.poly(
        "grass_mid", *smooth((-0.2, 0.88), (0.2, 0.91), (0.45, 0.96), (0.6, 1.04)), (-0.2, 1.2)
    )
    pen.poly("grass_mid", *smooth((0.72, 1.05), (0.85, 0.93), (1.1, 0.86)), (1.2, 1.2))
    pen.poly("wood_dark", (0.6, 0.74), (0.69, 0.74), (0.9, 1.03), (0.68, 1.03))
    pen.poly("wood_light", (0.6, 0.725), (0.69, 0.725), (0.9, 1.0), (0.68, 1.0))
    for k in range(6):
        t = (k / 6) ** 1.3
        x0, x1, y = 0.6 + 0.08 * t, 0.69 + 0.21 * t, 0.725 + 0.275 * t
        pen.stroke("wood_dark", [(x0, y), (x1, y)], 0.006, 0.006)
    for x, h in ((0.9, 0.2), (0.94, 0.26), (0.98, 0.22)):
        pen.stroke("reed", [(x, 0.95), (x + 0.012, 0.95 - h)], 0.014, 0.006)
        pen.oval("reed", x + 0.012, 0.95 - h, 0.012, 0.034)


def draw_hills_far(pen: Pen) -> None:
    """Round hills on the horizon."""
    pen.ground(
        "grass_dark",
        *smooth((-0.1, 0.53), (0.15, 0.47), (0.4, 0.53), (0.66, 0.5), (0.88, 0.45), (1.1, 0.5)),
    )


def draw_hills_near(pen: Pen) -> None:
    """The great green hill and its neighbours, with a cottage."""
    pen.ground(
        "grass_mid",
        *smooth((-0.1, 0.56), (0.15, 0.57), (0.5, 0.66), (0.75, 0.6), (0.95, 0.55), (1.1, 0.54)),
    )
    for x, y, h in ((0.83, 0.6, 0.12), (0.89, 0.59, 0.15), (0.96, 0.58, 0.12)):
        pen.tree(x, y, h)
    pen.tree(0.5, 0.675, 0.17)
    pen.poly("wall", (0.69, 0.59), (0.79, 0.59), (0.79, 0.66), (0.69, 0.66))
    pen.poly("roof", (0.675, 0.595), (0.71, 0.54), (0.77, 0.54), (0.805, 0.595))
    pen.poly("window_lit", (0.725, 0.61), (0.755, 0.61), (0.755, 0.64), (0.725, 0.64))
    pen.ground(
        "grass_light", *smooth((-0.1, 0.63), (0.2, 0.61), (0.45, 0.645), (0.75, 0.74), (1.1, 0.78))
    )
    pen.ground("grass_mid", *smooth((-0.1, 0.73), (0.3, 0.735), (0.6, 0.82), (1.1, 0.9)))
    pen.ground(
        "grass_light", *smooth((-0.1, 1.02), (0.3, 0.94), (0.6, 0.86), (0.85, 0.82), (1.1, 0.82))
    )
    pen.ground("grass_dark", *smooth((0.2, 1.1), (0.55, 0.98), (0.8, 0.92), (1.1, 0.9)))


def draw_beach(pen: Pen) -> None:
    """Sand, surf, a parasol and a sail."""
    pen.poly("sail", (0.41, 0.44), (0.41, 0.56), (0.35, 0.56))
    pen.poly("sail", (0.42, 0.47), (0.42, 0.56), (0.46, 0.56))
    pen.poly("hull", (0.34, 0.565), (0.47, 0.565), (0.45, 0.59), (0.36, 0.59))
    waves = ((-0.1, 0.86), (0.15, 0.845), (0.4, 0.8), (0.6, 0.765), (0.8, 0.71), (1.1, 0.69))
    for material, down in (
        ("foam", -0.055),
        ("shallow", -0.042),
        ("foam", -0.012),
        ("wet_sand", 0.018),
        ("sand_light", 0.055),
    ):
        sway = 0.008 if down < -0.02 else 0.0
        pen.ground(
            material, *smooth(*[(x, y + down + sway * (-1) ** i) for i, (x, y) in enumerate(waves)])
        )
    pen.ground("sand_dark", *smooth((-0.1, 1.0), (0.3, 0.99), (0.7, 0.93), (1.1, 0.88)))
    pen.stroke("pole", [(0.8, 0.9), (0.755, 0.68)], 0.016, 0.016)
    tilt, edges = 0.22, np.linspace(-1, 1, 6)

    def cloth(across: float, up: float) -> Point:
        u, v = 0.15 * across * math.sqrt(1 - up * up), 0.14 * up
        return (
            0.755 + u * math.cos(tilt) - v * math.sin(tilt),
            0.7 - u * math.sin(tilt) - v * math.cos(tilt),
        )

    ups = [float(v) for v in np.linspace(0, 1, 13)]
    for k, (left, right) in enumerate(pairwise(edges)):
        rim = cloth(float(left + right) / 2, 0.0)
        pen.poly(
            "white" if k % 2 else "red",
            *[cloth(float(left), v) for v in ups],
            *[cloth(float(right), v) for v in reversed(ups)],
            (rim[0], rim[1] + 0.012),
        )


@dataclass(frozen=True)
class Layer:
    """A layer of a place: how it is drawn, how hazy it is, how relief and horizon move it."""

    draw: Draw
    haze: float = 0.0
    relief: float = 0.0
    mist: float = 0.0


PLACES: dict[str, tuple[Layer, ...]] = {
    "beach": (Layer(draw_beach),),
    "mountains": (
        Layer(draw_mountains_far, 0.5, 1.0, 0.6),
        Layer(draw_mountains_near, 0.1, 1.0, 0.5),
        Layer(draw_foothills),
    ),
    "forest": (
        Layer(draw_forest_far, 0.55, 0.6, 0.4),
        Layer(draw_forest_mid, 0.22, 0.4, 0.45),
        Layer(draw_forest_near),
    ),
    "desert": (Layer(draw_desert_far, 0.3, 1.0, 0.3), Layer(draw_desert_near, 0.0, 0.5)),
    "city": (
        Layer(draw_city_far, 0.55, 1.0, 0.3),
        Layer(draw_city_near, 0.0, 0.6),
        Layer(draw_city_park),
    ),
    "lake": (
        Layer(draw_lake_far, 0.4, 1.0, 0.4),
        Layer(draw_lake_shore, 0.05, 0.3),
        Layer(draw_lake_front),
    ),
    "hills": (Layer(draw_hills_far, 0.4, 1.0, 0.2), Layer(draw_hills_near, 0.0, 0.5)),
}
WATER_BEFORE = {"beach": 0, "lake": 2}  # the water is painted before this layer
BOW_BEFORE = {"mountains": 2, "hills": 1, "lake": 1, "forest": 2, "city": 2}  # as the rainbow
SUNSET_Y = {
    "beach": 0.45,
    "mountains": 0.37,
    "forest": 0.3,
    "desert": 0.4,
    "city": 0.36,
    "lake": 0.33,
    "hills": 0.44,
}
