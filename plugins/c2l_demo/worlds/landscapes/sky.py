"""What hangs in the sky of the landscapes world, what falls from it, and the palms before it."""

from __future__ import annotations

import math

import numpy as np

from c2l_demo.worlds.landscapes.colours import RAINBOW
from c2l_demo.worlds.landscapes.pen import Pen, Point, smooth


def palm(pen: Pen, foot: Point, top: Point, r: float) -> None:
    """One palm tree."""
    (x0, y0), (x, y) = foot, top
    trunk = smooth(foot, ((x0 * 0.75 + x * 0.25), (y0 + y) / 2), top)
    pen.stroke("palm_trunk", trunk, r * 0.26, r * 0.15)
    for kind, degrees in (
        ("palm_dark", (-8, 35, 145, 188, 250)),
        ("palm_light", (-35, 12, 168, 215, 285)),
    ):
        for a in degrees:
            c, s = math.cos(math.radians(a)), math.sin(math.radians(a))
            droop = 0.5 * abs(c) + 0.12
            middle = (x + 0.62 * r * c, y + 0.62 * r * s - 0.1 * r)
            tip = (x + 1.1 * r * c, y + 0.85 * r * s + droop * r)
            pen.poly(
                kind,
                *smooth((x, y), (middle[0], middle[1] - 0.13 * r), tip),
                *smooth(tip, (middle[0] - 0.04 * r * c, middle[1] + 0.2 * r), (x, y + 0.08 * r)),
            )
    for dx in (-0.1, 0.1):
        pen.oval("palm_trunk", x + dx * r, y + 0.12 * r, 0.09 * r)


def draw_palms(pen: Pen) -> None:
    """Two palm trees in the left foreground."""
    palm(pen, (0.09, 1.05), (0.33, 0.5), 0.19)
    palm(pen, (0.03, 1.05), (0.17, 0.27), 0.25)


def draw_clouds(pen: Pen) -> None:
    """Fair-weather clouds."""
    for x, y, r in ((0.3, 0.22, 0.11), (0.86, 0.33, 0.085), (0.52, 0.11, 0.085), (0.06, 0.4, 0.06)):
        for kind, down, grow in (("cloud_dark", 0.0, 1.0), ("cloud_light", -0.18, 0.93)):
            for dx, dy, k in (
                (-1.0, 0.12, 0.5),
                (-0.35, -0.25, 0.75),
                (0.4, -0.1, 0.68),
                (1.05, 0.15, 0.45),
            ):
                for wrap in (-1, 0, 1):
                    pen.oval(
                        kind,
                        x + dx * r + wrap,
                        y + (dy + down) * r,
                        k * r * grow,
                        k * r * grow * 0.8,
                    )
            for wrap in (-1, 0, 1):
                pen.oval(kind, x + wrap, y + (0.3 + down) * r, 1.4 * r * grow, 0.28 * r)


def draw_storm(pen: Pen) -> None:
    """Heavy clouds hanging from the top."""
    for kind, level, r in (
        ("storm_light", 0.2, 0.12),
        ("storm_mid", 0.13, 0.11),
        ("storm_dark", 0.04, 0.1),
    ):
        pen.poly(kind, (-0.2, -0.2), (1.2, -0.2), (1.2, level), (-0.2, level))
        for i in range(8):
            x = (i + 0.3 * len(kind)) / 7 - 0.4
            for wrap in (-1, 0, 1):
                pen.oval(
                    kind,
                    (x % 1) + wrap,
                    level + 0.02 * ((i * 3) % 4),
                    r * (0.8 + 0.2 * (i % 2)),
                    r * 0.55,
                )


def draw_bolt(pen: Pen) -> None:
    """A flash of lightning."""
    pen.poly(
        "bolt",
        (0.79, 0.16),
        (0.88, 0.16),
        (0.83, 0.27),
        (0.89, 0.27),
        (0.74, 0.5),
        (0.78, 0.33),
        (0.72, 0.33),
    )


def draw_rain(pen: Pen) -> None:
    """Slanting streaks of rain."""
    for i in range(64):
        x, y = (i * 0.618034) % 1 * 1.2 - 0.05, (i * 0.754878) % 1 * 1.1 - 0.05
        pen.stroke("rain", [(x, y), (x - 0.035, y + 0.12)], 0.007, 0.007)


def draw_stars(pen: Pen) -> None:
    """The stars."""
    jitter = np.random.default_rng(11).random((48, 2)) * 0.85
    for i, (dx, dy) in enumerate(jitter):
        x, y = (i % 8 + float(dx)) / 8, (i // 8 + float(dy)) / 6
        pen.oval("star", x, 0.02 + y * 0.55, 0.0045 + 0.0024 * (i * 5 % 3))


def draw_rainbow(pen: Pen) -> None:
    """Six bands."""
    for i, band in enumerate(RAINBOW):
        pen.oval(band, 0.34, 0.64, 0.48 - 0.02 * i)
    hole = (0.34 - 0.36, 0.64 - 0.36, 0.34 + 0.36, 0.64 + 0.36)
    pen.draw.ellipse([v * pen.scale for v in hole], 0)
