"""Where the portraits are taken: five backdrops, painted once and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from c2l_demo.worlds.faces.brush import SHEET, WHITE, Colour, Pen, dim


def sky(top: Colour, bottom: Colour, horizon: int = SHEET) -> Image.Image:
    """A vertical gradient."""
    t = np.clip(np.arange(SHEET) / horizon, 0, 1)[:, None, None]
    rows = np.array(top)[None, None] * (1 - t) + np.array(bottom)[None, None] * t
    return Image.fromarray(np.repeat(rows, SHEET, 1).astype(np.uint8))


def studio() -> Image.Image:
    """A lit backdrop."""
    sheet = sky((206, 198, 204), (150, 142, 156))
    Pen(sheet, 1.0).soft(0, 210, 330, 330, (250, 242, 236), 190)
    return sheet


def sea() -> Image.Image:
    """A beach at the water, with a low sun and a sail."""
    sheet = sky((120, 206, 240), (255, 226, 176), 230)
    pen = Pen(sheet, 1.0)
    pen.soft(-170, 120, 130, 130, (255, 240, 170), 230)
    pen.oval(-170, 120, 44, 44, (255, 232, 120))
    pen.sharp([(-256, 228), (256, 228), (256, 420), (-256, 420)], (20, 132, 178))
    pen.sharp([(-256, 300), (256, 300), (256, 420), (-256, 420)], (30, 168, 190))
    pen.sharp([(196, 120), (196, 226), (146, 226)], (255, 250, 240))
    pen.sharp([(204, 140), (204, 226), (240, 226)], (250, 214, 200))
    pen.sharp([(140, 232), (246, 232), (226, 254), (160, 254)], (170, 66, 54))
    for x, y in ((-210, 262), (-130, 290), (-220, 322), (140, 284), (210, 312), (-160, 346)):
        pen.stroke([(x - 46, y), (x, y - 4), (x + 46, y)], 9, (170, 232, 236))
    pen.blob(
        [(-300, 372), (-150, 392), (0, 380), (150, 394), (300, 372), (300, 600), (-300, 600)],
        (238, 250, 246),
    )
    pen.blob(
        [(-300, 386), (-150, 406), (0, 394), (150, 408), (300, 386), (300, 620), (-300, 620)],
        (246, 216, 150),
    )
    return sheet


def forest() -> Image.Image:
    """Three rows of firs, the nearest darkest."""
    sheet = sky((204, 236, 170), (150, 206, 120), 330)
    pen = Pen(sheet, 1.0)
    rows = (
        (110, 92, (128, 186, 108), (-235, -160, -90, 0, 90, 165, 240)),
        (190, 110, (62, 138, 72), (-205, -120, 130, 215)),
        (120, 150, (26, 94, 54), (-256, 262)),
        (250, 130, (22, 80, 48), (-170, 172)),
    )
    for top, half, green, places in rows:
        for x in places:
            pen.sharp([(x - 12, 400), (x + 12, 400), (x + 12, 520), (x - 12, 520)], (96, 62, 40))
            for k in range(3):
                y, w = top + 78 * k, half * (0.5 + 0.22 * k)
                pen.sharp([(x, y), (x + w, y + 130), (x - w, y + 130)], dim(green, 1 - 0.07 * k))
    pen.blob([(-300, 440), (0, 424), (300, 440), (300, 600), (-300, 600)], (70, 120, 50))
    return sheet


def city() -> Image.Image:
    """A skyline at dusk with lit windows."""
    sheet = sky((84, 74, 142), (250, 158, 136), 400)
    pen = Pen(sheet, 1.0)
    towers = (
        (-214, 150, 44, (66, 58, 110)),
        (-120, 80, 40, (80, 70, 124)),
        (-10, 40, 50, (80, 70, 124)),
        (104, 110, 40, (80, 70, 124)),
        (206, 60, 46, (66, 58, 110)),
        (-240, 240, 40, (44, 38, 82)),
        (-164, 200, 32, (50, 44, 90)),
        (148, 210, 36, (50, 44, 90)),
        (232, 250, 40, (44, 38, 82)),
    )
    for x, top, half, blue in towers:
        pen.sharp([(x - half, top), (x + half, top), (x + half, 520), (x - half, 520)], blue)
        for row, y in enumerate(range(top + 18, 500, 38)):
            for k in (-1, 0, 1):
                lit = (row * 2 + k + half) % 4 != 0
                paint = (255, 214, 110) if lit else (110, 100, 150)
                pen.sharp(
                    [
                        (x + k * half * 0.6 - 8, y),
                        (x + k * half * 0.6 + 8, y),
                        (x + k * half * 0.6 + 8, y + 20),
                        (x + k * half * 0.6 - 8, y + 20),
                    ],
                    paint,
                )
    return sheet


def snow_mountains() -> Image.Image:
    """White peaks under a deep blue sky."""
    sheet = sky((64, 118, 206), (190, 218, 246), 360)
    pen = Pen(sheet, 1.0)
    for x, top, half in ((0, 150, 200), (-170, 84, 170), (184, 60, 180)):
        slope = (430 - top) / half
        pen.sharp([(x, top), (x + half, 430), (x - half, 430)], (112, 128, 166))
        pen.sharp([(x, top), (x + half, 430), (x + 14, 430)], (84, 98, 142))
        cap = 150
        pen.sharp(
            [
                (x, top),
                (x + cap / slope, top + cap),
                (x + 48, top + cap - 44),
                (x + 16, top + cap),
                (x - 24, top + cap - 40),
                (x - 56, top + cap + 4),
                (x - cap / slope, top + cap),
            ],
            WHITE,
        )
        pen.sharp(
            [
                (x, top),
                (x + cap / slope, top + cap),
                (x + 48, top + cap - 44),
                (x + 18, top + cap - 6),
            ],
            (206, 220, 244),
        )
    pen.blob(
        [(-300, 380), (-120, 356), (60, 392), (300, 350), (300, 600), (-300, 600)], (244, 248, 255)
    )
    pen.blob([(-300, 440), (-60, 410), (300, 446), (300, 600), (-300, 600)], (220, 230, 248))
    return sheet


PLACES: dict[str, Callable[[], Image.Image]] = {
    "studio": studio,
    "sea": sea,
    "forest": forest,
    "city": city,
    "snow mountains": snow_mountains,
}


@lru_cache(maxsize=8)
def backdrops(place: str) -> tuple[Image.Image, Image.Image]:
    """The place, a little out of focus, in dim cool and in bright warm light."""
    sheet = PLACES[place]().filter(ImageFilter.GaussianBlur(3))
    dark = Image.blend(sheet, Image.new("RGB", sheet.size, (40, 50, 96)), 0.2)
    warm = Image.blend(sheet, Image.new("RGB", sheet.size, (255, 236, 190)), 0.18)
    return dark, warm
