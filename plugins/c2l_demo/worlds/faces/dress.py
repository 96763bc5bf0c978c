"""What a sitter wears: hair and whiskers, spectacles, hats and trinkets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from c2l_demo.worlds.faces.attributes import NUISANCES, VALUES
from c2l_demo.worlds.faces.brush import WHITE, Colour, Pen, dim, glow, mix
from c2l_demo.worlds.world import Scene

SKIN = {
    "light": ((252, 222, 202), (246, 208, 184)),
    "tan": ((234, 184, 134), (222, 170, 116)),
    "brown": ((182, 124, 86), (168, 110, 72)),
    "dark": ((116, 76, 60), (98, 63, 47)),
}
HAIR = {
    "black": ((26, 24, 34), (38, 34, 40)),
    "brown": ((132, 78, 38), (112, 64, 30)),
    "blonde": ((246, 210, 108), (232, 188, 84)),
    "red": ((216, 84, 28), (198, 64, 22)),
    "grey": ((178, 182, 192), (160, 164, 174)),
}
INK: Colour = (38, 26, 30)
GOLD: Colour = (250, 196, 40)
BLUSH: Colour = (236, 92, 92)


class Sitter:
    """The colours and measures of one scene, and how to draw what the sitter wears."""

    def __init__(self, scene: Scene) -> None:
        names = {name: VALUES[name][i] for name, i in scene.attributes.items()}
        self.n = dict(zip(NUISANCES, scene.nuisances, strict=True))
        self.age, self.style, self.hat = names["age"], names["hair_style"], names["hat"]
        self.glasses, self.mood, self.place = names["glasses"], names["expression"], names["place"]
        self.woman = names["gender"] == "woman"
        self.child, self.old = self.age == "child", self.age == "elderly"
        self.whiskers = "none" if self.woman or self.child else names["facial_hair"]
        self.rings = names["ear_rings"] == "yes"
        self.skin = mix(*SKIN[names["skin"]], self.n["skin_tint"])
        self.hair = mix(*HAIR[names["hair_colour"]], self.n["hair_tint"])
        if self.style == "bald":
            self.hair = mix((70, 50, 44), (60, 42, 40), self.n["hair_tint"])
        self.dark_skin = dim(self.skin, 0.72)
        self.crease = dim(self.skin, 0.56)
        self.dark_hair = dim(self.hair, 0.72)
        self.light_hair = glow(self.hair, 0.3)
        self.volume = 0.94 + 0.16 * self.n["hair_volume"]
        self.eye_y = 268 if self.child else 252
        self.eye_x = 54 if self.child else 48
        self.mouth_y = {"child": 345, "young": 350, "middle-aged": 356, "elderly": 354}[self.age]
        self.pen = Pen(Image.new("RGB", (1, 1)), 1.0)

    def beard(self) -> None:
        """A full beard round the jaw, or a moustache; both in the colour of the hair."""
        pen, m = self.pen, self.mouth_y
        if self.whiskers == "beard":
            pen.blob(
                [
                    (0, m - 24),
                    (38, m - 26),
                    (72, m - 34),
                    (104, 262),
                    (117, 290),
                    (112, 372),
                    (72, 436),
                    (0, 456),
                ],
                self.hair,
                mirror=True,
            )
            for side in (-1, 1):
                for x in (18, 52, 84):
                    pen.stroke(
                        [
                            (side * x, m + 44),
                            (side * x * 0.9, m + 68),
                            (side * x * 0.7, m + 84 - x * 0.3),
                        ],
                        8,
                        self.light_hair,
                    )
            pen.blob(
                [(0, m - 14), (40, m - 14), (60, m - 4), (44, m + 18), (0, m + 24)],
                self.skin,
                mirror=True,
            )
        elif self.whiskers == "moustache":
            for side in (-1, 1):
                pen.blob(
                    [
                        (0, m - 34),
                        (side * 24, m - 40),
                        (side * 60, m - 26),
                        (side * 84, m - 34),
                        (side * 76, m - 10),
                        (side * 44, m - 4),
                        (0, m - 14),
                    ],
                    self.hair,
                )
                pen.stroke(
                    [(side * 12, m - 28), (side * 44, m - 20), (side * 70, m - 20)],
                    6,
                    self.light_hair,
                )

    def puffs(self, radius: float, rows: Sequence[tuple[float, float, float]]) -> None:
        """Curls: bumps (x, y, scale), each with a lighter crescent."""
        for x, y, scale in rows:
            self.pen.oval(x, y, radius * scale, radius * scale, self.hair)
        for x, y, scale in rows:
            r = radius * scale * 0.55
            start, top, end = (-r, r * 0.3), (-r * 0.4, -r * 0.8), (r * 0.7, -r * 0.6)
            crescent = [(x + dx, y + dy) for dx, dy in (start, top, end)]
            self.pen.stroke(crescent, 9, self.light_hair)

    def hair_behind(self) -> None:
        """The hair that hangs behind the head."""
        pen, v = self.pen, self.volume
        if self.style == "long":
            pen.blob(
                [
                    (0, 64 - 40 * (v - 1)),
                    (90 * v, 84),
                    (134 * v, 180),
                    (146 * v, 330),
                    (160 * v, 460),
                    (150 * v, 560),
                    (0, 560),
                ],
                self.dark_hair,
                mirror=True,
            )
        elif self.style == "curly":
            pen.oval(0, 230, 150 * v, 165 * v, self.dark_hair)
        elif self.style == "ponytail":
            pen.blob(
                [
                    (84, 130),
                    (150 * v, 96),
                    (206 * v, 150),
                    (214 * v, 270),
                    (176 * v, 400),
                    (150 * v, 440),
                    (152 * v, 330),
                    (140 * v, 220),
                    (96, 190),
                ],
                self.hair,
            )
            pen.stroke([(150 * v, 130), (188 * v, 200), (178 * v, 330)], 12, self.light_hair)
            pen.stroke([(130 * v, 140), (164 * v, 220), (162 * v, 350)], 10, self.dark_hair)

    def hair_before(self) -> None:
        """The hair in front: cap, fringe, curtains or curls."""
        pen, v, hatted = self.pen, self.volume, self.hat != "none"
        top = 70 - 60 * (v - 1)
        if self.style == "short":
            pen.blob(
                [
                    (-112, 262),
                    (-124 * v, 200),
                    (-110 * v, 116),
                    (-50, top),
                    (40, top - 4),
                    (108 * v, 108),
                    (126 * v, 196),
                    (114, 262),
                    (98, 240),
                    (92, 190),
                    (60, 162),
                    (10, 178),
                    (-60, 150),
                    (-92, 190),
                    (-98, 240),
                ],
                self.hair,
            )
            pen.stroke([(-84, 140), (-30, 108), (60, 116)], 14, self.light_hair)
            pen.stroke([(-40, 148), (20, 136), (84, 150)], 10, self.dark_hair)
            pen.stroke([(108, 150), (114, 190), (108, 230)], 9, self.light_hair)
        elif self.style == "long":
            for side in (-1, 1):
                pen.blob(
                    [
                        (side * -14, top),
                        (side * 80 * v, 90),
                        (side * 126 * v, 180),
                        (side * 136 * v, 300),
                        (side * 146 * v, 430),
                        (side * 138 * v, 540),
                        (side * 100, 540),
                        (side * 104, 420),
                        (side * 102, 320),
                        (side * 98, 230),
                        (side * 66, 172),
                        (side * 2, 132),
                        (side * -16, 110),
                    ],
                    self.hair,
                )
                pen.stroke(
                    [(side * 30, 104), (side * 92, 150), (side * 118, 240)], 12, self.light_hair
                )
                pen.stroke(
                    [(side * 122, 320), (side * 128, 400), (side * 122, 480)], 12, self.light_hair
                )
                pen.stroke(
                    [(side * 108, 250), (side * 114, 360), (side * 110, 470)], 8, self.dark_hair
                )
        elif self.style == "curly":
            ring = [(math.radians(a), 1.0) for a in range(-44, 225, 22)]
            bumps = [(132 * v * math.cos(a), 222 - 140 * v * math.sin(a), s) for a, s in ring]
            fringe = [
                (-84.0, 158.0, 0.9),
                (-44.0, 138.0, 0.95),
                (0.0, 130.0, 0.95),
                (44.0, 138.0, 0.95),
                (84.0, 158.0, 0.9),
            ]
            sides = [
                (s * x, y, 0.8)
                for s in (-1, 1)
                for x, y in ((122.0, 206.0), (130.0, 300.0), (128.0, 254.0))
            ]
            rows = bumps + fringe + sides
            self.puffs(42 * v, [b for b in rows if not hatted or b[1] > 110])
        elif self.style == "ponytail":
            pen.blob(
                [
                    (-112, 240),
                    (-116, 180),
                    (-100, 112),
                    (-46, top + 10),
                    (46, top + 10),
                    (100, 112),
                    (116, 180),
                    (112, 240),
                    (100, 200),
                    (76, 156),
                    (0, 140),
                    (-76, 156),
                    (-100, 200),
                ],
                self.hair,
            )
            for x in (-70, -24, 24, 66):
                pen.stroke([(x, 150), (x * 0.9 + 16, 116), (x * 0.6 + 40, 94)], 8, self.light_hair)
            pen.oval(104, 132, 20, 24, (236, 60, 120))
        if self.old and self.style != "bald":
            for side in (-1, 1):
                for x in (104, 116):
                    pen.stroke(
                        [(side * (x - 6), 176), (side * x, 204), (side * x, 238)],
                        8,
                        (240, 240, 244),
                    )

    # ------------------------------------------------------------------ things worn

    def spectacles(self) -> None:
        """Thick frames with a glint, or large dark lenses."""
        if self.glasses == "none":
            return
        pen, y, x0 = self.pen, self.eye_y + 4, self.eye_x + 2
        shades = self.glasses == "sunglasses"
        frame: Colour = (18, 16, 22)
        for side in (-1, 1):
            x = side * x0
            pen.stroke([(x + side * 36, y - 8), (side * 120, y - 12)], 13, frame, 1.0)
            if shades:
                pen.blob(
                    [
                        (x - side * 46, y - 28),
                        (x, y - 36),
                        (x + side * 50, y - 32),
                        (x + side * 52, y + 6),
                        (x + side * 24, y + 44),
                        (x - side * 22, y + 40),
                        (x - side * 44, y + 8),
                    ],
                    frame,
                )
                pen.soft(x, y + 20, 36, 24, (96, 84, 130), 170)
                pen.stroke([(x - 22, y + 12), (x + 2, y - 20)], 12, (232, 232, 246))
            else:
                pen.soft(x, y, 46, 44, (225, 240, 255), 80)
                pen.ring(x, y, 47, 45, 12, frame)
                pen.stroke([(x - 24, y - 6), (x - 10, y - 26)], 9, WHITE)
        pen.stroke([(-14, y - 6), (0, y - 14), (14, y - 6)], 12, frame, 1.0)

    def headgear(self) -> None:
        """A red cap with a peak, a straw hat with a broad brim, or a blue beanie."""
        pen = self.pen
        if self.hat == "red cap":
            red: Colour = (214, 30, 44)
            pen.blob([(0, 28), (70, 36), (118, 86), (128, 152), (60, 150), (0, 146)], red, True)
            pen.soft(54, 110, 66, 60, dim(red, 0.6), 130)
            pen.stroke([(-60, 60), (-84, 90), (-92, 124)], 14, (246, 110, 110))
            pen.oval(0, 34, 14, 9, dim(red, 0.7))
            pen.oval(0, 92, 28, 28, WHITE)
            pen.blob([(0, 128), (84, 132), (142, 164), (96, 166), (0, 158)], dim(red, 0.72), True)
        elif self.hat == "straw hat":
            straw: Colour = (240, 206, 124)
            shadow = dim(straw, 0.82)
            pen.blob([(0, 104), (130, 108), (216, 144), (140, 168), (0, 160)], shadow, True)
            pen.blob([(0, 98), (130, 102), (214, 138), (130, 152), (0, 150)], straw, True)
            pen.blob([(0, 22), (66, 28), (98, 66), (108, 128), (0, 138)], straw, True)
            pen.blob([(0, 92), (103, 86), (109, 124), (0, 134)], (150, 44, 60), True)
            for y in (44, 66):
                pen.stroke([(-74, y + 6), (0, y + 12), (74, y + 6)], 5, dim(straw, 0.78))
            for y in (120, 138):
                pen.stroke([(-180, y + 14), (-126, y), (-112, y)], 5, dim(straw, 0.78))
                pen.stroke([(180, y + 14), (126, y), (112, y)], 5, dim(straw, 0.78))
        elif self.hat == "blue beanie":
            blue: Colour = (40, 84, 214)
            pen.oval(0, 30, 32, 30, (236, 240, 252))
            pen.blob([(0, 44), (70, 50), (114, 96), (124, 150), (0, 150)], blue, True)
            for x in (-70, -24, 24, 70):
                pen.stroke([(x * 0.5, 54), (x, 90), (x * 1.1, 124)], 8, dim(blue, 0.7))
            pen.blob(
                [(0, 108), (104, 110), (130, 122), (128, 156), (100, 160), (0, 156)],
                (86, 134, 244),
                True,
            )
            for x in range(-104, 105, 26):
                pen.stroke([(x, 116), (x * 1.02, 152)], 8, dim(blue, 0.8), 0.6)

    def trinkets(self) -> None:
        """A tear, ear-rings, and a bow for girls."""
        pen = self.pen
        if self.mood == "sad":
            x, y = -self.eye_x - 14, self.eye_y + 50
            pen.blob([(x, y - 24), (x + 13, y + 6), (x, y + 20), (x - 13, y + 6)], (90, 176, 250))
            pen.oval(x - 4, y + 4, 4, 6, WHITE)
        if self.rings:
            for side in (-1, 1):
                x, y = side * 124, self.eye_y + 78
                pen.ring(x, y, 29, 32, 16, dim(GOLD, 0.36))
                pen.ring(x, y, 26, 29, 10, GOLD)
                pen.oval(x - 8, y - 22, 6, 5, WHITE)
                pen.oval(x, y - 30, 8, 8, GOLD)
        if self.child and self.woman:
            x, y, pink = -84, 176, (246, 74, 150)
            for side in (-1, 1):
                pen.blob(
                    [(x, y), (x + side * 34, y - 26), (x + side * 42, y), (x + side * 34, y + 26)],
                    pink,
                )
            pen.oval(x, y, 12, 12, dim(pink, 0.75))
