"""The renderer of the faces world: a portrait is a pure function of its scene.

Everything is drawn on a 512 x 512 sheet (x measured from the middle, y from the top) and then
averaged down, so that edges come out smooth. Eleven attributes are large shapes; nine
nuisances are small changes of colour and two mild ones of geometry.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops

from c2l_demo.worlds.faces.brush import SHEET, WHITE, Colour, Pen, Points, dim, glow, mix
from c2l_demo.worlds.faces.dress import BLUSH, INK, Sitter
from c2l_demo.worlds.faces.places import backdrops
from c2l_demo.worlds.world import Scene


@lru_cache(maxsize=1)
def head_shade() -> Image.Image:
    """Where the head is in shadow: to the right, under the hair and under the cheeks."""
    y, x = np.mgrid[0:SHEET, 0:SHEET] / SHEET
    side = np.clip((x - 0.52) / 0.2, 0, 1) ** 2
    low = np.clip((y - 0.66) / 0.16, 0, 1) ** 2
    top = np.clip((0.36 - y) / 0.2, 0, 1)
    return Image.fromarray((np.clip(side + 0.6 * low + 0.6 * top, 0, 1) * 110).astype(np.uint8))


class Portrait(Sitter):
    """One scene being drawn."""

    def paint(self) -> Image.Image:
        """The whole picture, back to front."""
        sheet = Image.blend(*backdrops(self.place), self.n["daylight"])
        self.pen = Pen(sheet, 0.95 + 0.1 * self.n["face_width"])
        self.hair_behind()
        self.body()
        self.head()
        self.lines()
        self.beard()
        self.nose()
        self.mouth()
        self.eyes()
        self.brows()
        self.hair_before()
        self.spectacles()
        self.headgear()
        self.trinkets()
        return sheet

    # ------------------------------------------------------------------ body and head

    def body(self) -> None:
        """Neck, shoulders and clothes: a scoop neck with a necklace, or a shirt collar."""
        pen, n = self.pen, self.n
        warm, green, light = (2 * n[f"clothes_{k}"] - 1 for k in ("warm", "green", "light"))
        cloth: Colour = (
            round(132 + 78 * warm - 30 * green + 36 * light),
            round(124 + 52 * green + 36 * light),
            round(136 - 78 * warm - 30 * green + 36 * light),
        )
        neck = 40 if self.child else (44 if self.woman else 66)
        wide = 150 if self.child else (176 if self.woman else 222)
        shoulder: Points = [
            (0, 434),
            (neck + 12, 436),
            (wide * 0.72, 456),
            (wide, 486),
            (wide + 14, 560),
            (0, 560),
        ]
        pen.blob(shoulder, cloth, mirror=True)
        pen.soft(70, 530, 190, 70, dim(cloth, 0.6), 150)
        pen.sharp([(-neck, 360), (neck, 360), (neck + 4, 446), (-neck - 4, 446)], self.skin)
        if self.woman:
            pen.blob([(0, 420), (neck + 26, 432), (58, 470), (0, 500)], self.skin, mirror=True)
            pen.stroke(
                [(-neck - 28, 436), (-60, 474), (0, 504), (60, 474), (neck + 28, 436)],
                13,
                glow(cloth, 0.6),
                1.0,
            )
        else:
            pen.blob([(0, 420), (neck, 440), (0, 486)], self.skin, mirror=True)
        pen.soft(6, 398, neck + 26, 48, self.crease, 190)
        if self.woman:
            for x, y in (
                (-44, 446),
                (-32, 460),
                (-17, 470),
                (0, 474),
                (17, 470),
                (32, 460),
                (44, 446),
            ):
                pen.oval(x, y, 7, 7, (255, 250, 240))
        else:
            for side in (-1, 1):
                pen.sharp(
                    [
                        (side * (neck + 8), 418),
                        (side * 4, 486),
                        (side * 46, 512),
                        (side * (neck + 34), 440),
                    ],
                    (250, 250, 252),
                )
                pen.stroke(
                    [(side * 4, 486), (side * 46, 512), (side * (neck + 34), 440)],
                    5,
                    dim(cloth, 0.6),
                    1.0,
                )

    def face(self) -> Points:
        """The right half of the face outline."""
        if self.child:
            return [
                (0, 104),
                (72, 116),
                (112, 175),
                (117, 245),
                (124, 312),
                (100, 366),
                (46, 395),
                (0, 400),
            ]
        jaw: list[tuple[float, float]]
        if self.woman:
            jaw = [(107, 230), (101, 298), (76, 358), (34, 398), (0, 405)]
        else:
            jaw = [(110, 230), (110, 300), (102, 362), (62, 404), (0, 410)]
        if self.age == "middle-aged":
            jaw = [(x * 1.01, y + 10 * (y - 230) / 170) for x, y in jaw]
        if self.old:
            jaw = [
                jaw[0],
                (jaw[1][0] - 5, 296),
                (jaw[2][0] + 12, 362),
                (jaw[3][0] + 14, 404),
                (0, 408),
            ]
        return [(0, 94), (62, 104), (101, 160), *jaw]

    def head(self) -> None:
        """Ears, the face with its shadows, and rosy cheeks."""
        pen = self.pen
        if self.style not in ("long", "curly"):
            for side in (-1, 1):
                y = self.eye_y + 14
                pen.blob(
                    [
                        (side * 100, y - 30),
                        (side * 128, y - 34),
                        (side * 134, y - 6),
                        (side * 118, y + 34),
                        (side * 100, y + 30),
                    ],
                    self.skin,
                )
                pen.stroke(
                    [(side * 112, y - 18), (side * 124, y - 14), (side * 116, y + 16)],
                    7,
                    self.dark_skin,
                )
        outline = self.face()
        pen.blob(outline, self.skin, mirror=True)
        mask = Image.new("L", (SHEET, SHEET))
        Pen(mask, pen.wide).blob(outline, (255,), mirror=True)
        box = (112, 84, 400, 424)
        shade = ImageChops.multiply(mask.crop(box), head_shade().crop(box))
        pen.sheet.paste(self.crease, box[:2], shade)
        pen.soft(-34, 168, 76, 56, glow(self.skin, 0.6), 120)
        rosy = {"child": 220, "young": 110, "middle-aged": 80, "elderly": 90}[self.age]
        freckle = mix(self.skin, (120, 50, 20), 0.55)
        raised = -16 if self.mood == "happy" else 0
        for side in (-1, 1):
            reach = 46 if self.child else 36
            pen.soft(
                side * 70,
                self.eye_y + 58 + raised,
                reach,
                reach - 6,
                mix(self.skin, BLUSH, 0.55),
                rosy + (40 if raised else 0),
            )
            if self.child:
                for dx, dy in ((-20, 44), (0, 54), (20, 44), (-10, 62), (12, 66)):
                    pen.oval(side * 68 + dx, self.eye_y + dy, 5, 5, freckle)

    def lines(self) -> None:
        """What the years have written: folds, furrows, bags and jowls."""
        if self.age not in ("middle-aged", "elderly"):
            return
        pen, ink = self.pen, mix((66, 22, 22), self.skin, 0.46)
        if sum(self.skin) < 260:
            ink = mix((14, 4, 4), self.skin, 0.35)
        e, m = self.eye_y, self.mouth_y
        for side in (-1, 1):
            pen.stroke([(side * 28, e + 56), (side * 56, m - 22), (side * 64, m + 12)], 13, ink)
            pen.stroke([(side * 26, e + 27), (side * 48, e + 36), (side * 72, e + 26)], 10, ink)
        pen.stroke([(-54, 190), (0, 183), (54, 190)], 11, ink)
        pen.stroke([(-42, 168), (0, 161), (42, 168)], 10, ink)
        if not self.old:
            return
        pen.stroke([(-34, 148), (0, 142), (34, 148)], 8, ink)
        for side in (-1, 1):
            pen.stroke([(side * 34, e + 42), (side * 50, e + 48), (side * 68, e + 40)], 8, ink)
            for dy in (-14, 0, 14):
                pen.stroke([(side * 82, e + dy * 0.5), (side * 100, e + dy * 1.3)], 8, ink)
            pen.stroke([(side * 86, m - 40), (side * 88, m - 10), (side * 78, m + 16)], 9, ink)
            pen.stroke([(side * 58, m + 14), (side * 66, m + 28), (side * 62, m + 40)], 8, ink)

    def nose(self) -> None:
        """A button for children, a stronger one for everyone else."""
        pen, y = self.pen, self.eye_y + 54
        if self.child:
            pen.soft(0, y - 8, 20, 15, mix(self.skin, BLUSH, 0.6), 200)
            pen.stroke([(-14, y), (0, y + 6), (14, y)], 8, self.crease)
            return
        size = 20 if self.woman else 27
        size += 4 if self.old else 0
        pen.soft(-4, y - 30, 14, 46, glow(self.skin, 0.5), 150)
        pen.stroke([(12, y - 52), (16, y - 22), (size, y - 4)], 8, self.dark_skin)
        pen.stroke(
            [(-size, y - 4), (-size * 0.5, y + 5), (0, y + 8), (size * 0.5, y + 5), (size, y - 4)],
            9,
            self.crease,
        )

    # ------------------------------------------------------------------ the expression

    def mouth(self) -> None:
        """Large, so that it reads at a distance."""
        pen, y = self.pen, self.mouth_y
        # A tint of the skin, never a loud red: natural on every tone.
        # A tint of the skin, deeper on deeper tones: never a loud red on a dark face.
        rouge: Colour = (150, 34, 62) if sum(self.skin) < 380 else (204, 28, 62)
        lips = mix(self.skin, rouge, 0.75 if self.woman else 0.25)
        inside: Colour = (92, 16, 30)
        edge = 6 if self.woman else 3
        if self.mood == "happy":

            def grin(grow: float) -> Points:
                return [
                    (0, y - 12 - grow),
                    (34, y - 15 - grow),
                    (58 + grow, y - 26 - grow),
                    (46 + grow, y + 10),
                    (24, y + 30 + grow),
                    (0, y + 34 + grow),
                ]

            pen.blob(grin(edge), lips, mirror=True)
            pen.blob(grin(0), inside, mirror=True)
            pen.blob([(0, y + 14), (20, y + 16), (16, y + 28), (0, y + 31)], (226, 96, 104), True)
            pen.blob(
                [(0, y - 12), (34, y - 15), (54, y - 23), (42, y + 3), (0, y + 10)],
                WHITE,
                mirror=True,
            )
            for side in (-1, 1):
                pen.stroke(
                    [(side * 66, y - 40), (side * 72, y - 28), (side * 64, y - 16)], 8, self.crease
                )
        elif self.mood == "surprised":
            pen.oval(0, y + 8, 31 + edge, 38 + edge, lips)
            pen.oval(0, y + 8, 30, 37, inside)
            pen.blob([(0, y + 18), (18, y + 22), (16, y + 38), (0, y + 42)], (226, 96, 104), True)
        elif self.mood == "sad":
            pen.stroke(
                [(-52, y + 30), (-34, y + 6), (0, y - 6), (34, y + 6), (52, y + 30)],
                26 if self.woman else 18,
                lips,
                0.4,
            )
            pen.stroke(
                [(-54, y + 33), (-34, y + 10), (0, y - 1), (34, y + 10), (54, y + 33)],
                9,
                inside,
                0.8,
            )
            pen.stroke([(-20, y + 34), (0, y + 28), (20, y + 34)], 9, self.crease)
        else:
            tall = 18 if self.woman else 8
            pen.blob(
                [(0, y - tall + 3), (13, y - tall), (48, y - 1), (24, y + tall), (0, y + tall + 3)],
                lips,
                mirror=True,
            )
            pen.stroke([(-52, y - 3), (0, y), (52, y - 3)], 8, inside, 0.7)

    def eyes(self) -> None:
        """Whites, irises with highlights, lids and lashes."""
        pen, y = self.pen, self.eye_y
        big = 1.62 if self.child else (0.92 if self.old else 1.08)
        rx, ry = 27 * big**0.7, 17 * big * (1.35 if self.mood == "surprised" else 1.0)
        iris = mix((88, 52, 26), (70, 146, 196), self.n["eye_colour"])
        for side in (-1, 1):
            x = side * self.eye_x
            pen.soft(x, y - 8, 40, 34, self.crease, 70)
            pen.oval(x, y, rx, ry, WHITE)
            r = 14.5 * big * (0.85 if self.mood == "surprised" else 1.0)
            r = min(r, ry * 0.98)
            pen.oval(x, y, r, r, iris)
            pen.oval(x, y, r * 0.55, r * 0.55, (20, 14, 18))
            pen.oval(x - r * 0.35, y - r * 0.4, r * 0.32, r * 0.32, WHITE)
            if self.old:
                pen.blob(
                    [
                        (x - side * 34, y - 2),
                        (x - side * 20, y - 24),
                        (x + side * 10, y - 26),
                        (x + side * 40, y + 2),
                        (x + side * 10, y - 7),
                    ],
                    self.dark_skin,
                )
            if self.mood == "happy":
                pen.blob(
                    [
                        (x - 34, y + 12),
                        (x, y + 6),
                        (x + 34, y + 12),
                        (x + 20, y + 30),
                        (x - 20, y + 30),
                    ],
                    self.skin,
                )
                pen.stroke([(x - 28, y + 12), (x, y + 5), (x + 28, y + 12)], 6, self.crease)
            droop = 8 if self.mood == "sad" else 0
            lid = [
                (x - side * (rx + 1), y + 5 - droop),
                (x - side * rx * 0.5, y - ry * 0.8 - droop / 2),
                (x + side * rx * 0.4, y - ry * 0.9 + droop / 2),
                (x + side * (rx + 4), y + droop),
            ]
            if self.old:
                lid = [(a, b + 6) for a, b in lid]
            pen.stroke(lid, 13 if self.woman else 8, INK if self.woman else self.crease, 0.4)
            if self.woman:
                for dx, dy, ex, ey in (
                    (0.95, -0.1, 1.5, -0.55),
                    (0.75, -0.6, 1.25, -1.2),
                    (0.35, -0.9, 0.7, -1.6),
                ):
                    pen.stroke(
                        [
                            (x + side * rx * dx, y + ry * dy + droop / 2),
                            (x + side * rx * ex, y + ry * ey + droop / 2),
                        ],
                        8,
                        INK,
                        0.5,
                    )

    def brows(self) -> None:
        """Raised, slanted or level; white and bushy in old age."""
        pen, y = self.pen, self.eye_y - (42 if self.child else 38)
        inner, middle, outer = {
            "happy": (0, -8, 2),
            "neutral": (2, -4, 2),
            "sad": (-20, -4, 16),
            "surprised": (-14, -26, -14),
        }[self.mood]
        thick = 10 if self.woman else 17
        thick += {"child": -4, "elderly": 6}.get(self.age, 0)
        paint = (238, 238, 240) if self.old else dim(self.hair, 0.7)
        for side in (-1, 1):
            pen.stroke(
                [(side * 22, y + inner), (side * 50, y + middle), (side * 80, y + outer)],
                thick,
                paint,
                0.5,
            )
            if self.old and not self.woman:
                pen.stroke([(side * 64, y + middle + 6), (side * 84, y + outer + 8)], 10, paint)


def render(scene: Scene, size: int) -> Image.Image:
    """Draw the scene as a square RGB picture."""
    sheet = Portrait(scene).paint()
    if SHEET % size == 0:
        return sheet.reduce(SHEET // size) if size < SHEET else sheet
    return sheet.resize((size, size), Image.Resampling.BOX)
