"""The colours of the landscapes world: materials by season, skies and light by time of day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from c2l_demo.worlds.landscapes.pen import Array

RAINBOW = ("bow0", "bow1", "bow2", "bow3", "bow4", "bow5")

# material: colours in summer, autumn and winter (or one for all)
PAINT: dict[str, tuple[str, ...]] = {
    "rock_light": ("8f9bb0", "9a94a8", "b9c6dc"), "rock_dark": ("5b6785", "625d7c", "8091b3"),
    "cap_light": ("ffffff",), "cap_dark": ("b9cbe8",),
    "grass_light": ("86cf3f", "d6bd45", "fbfdff"), "grass_mid": ("5fb638", "b7a338", "e6effa"),
    "grass_dark": ("3c8f3d", "94832f", "cddcee"),
    "fir_light": ("2f9a5b", "4f8052", "5b9483"), "fir_dark": ("1c6b4a", "355f46", "3a6a69"),
    "fir_snow": ("3aa763", "d98a35", "ffffff"),
    "leaf_light": ("7ccb45", "f58a1f", "f7fbff"), "leaf_dark": ("459a38", "d4521c", "bccde2"),
    "trunk": ("6b4a35",), "path": ("d9c08e", "c9a878", "d3dbe8"),
    "road": ("8d97a8", "8d97a8", "b6c1d2"),
    "sand_light": ("f5c877",), "sand_dark": ("c98a4c",), "wet_sand": ("d2a96f",),
    "cactus_light": ("3f9a55",), "cactus_dark": ("25693f",),
    "tower_light": ("9fb4cc",), "tower_dark": ("6d84a5",),
    "tower_roof": ("8aa0bc", "8aa0bc", "ffffff"),
    "brick_light": ("d9937a",), "brick_dark": ("a9604f",),
    "brick_roof": ("b8705c", "b8705c", "ffffff"),
    "window_lit": ("dff1ff",), "window_off": ("4d6485",),
    "wall": ("fbe3b8",), "roof": ("d0453a", "d0453a", "ffffff"),
    "wood_light": ("b98555", "b98555", "eef4fc"), "wood_dark": ("7d5436",),
    "reed": ("557a35", "a06a2a", "93856a"),
    "foam": ("ffffff",), "shallow": ("5fd6d2",), "sail": ("ffffff",), "hull": ("c23b3b",),
    "pole": ("f4ead8",), "red": ("f0453c",), "white": ("fffaf0",),
    "palm_light": ("46b24a",), "palm_dark": ("1f7a3f",), "palm_trunk": ("7d5434",),
    "bow0": ("f2413c",), "bow1": ("fb9a2e",), "bow2": ("fbe64b",), "bow3": ("4fcf5a",),
    "bow4": ("3f95f0",), "bow5": ("8a52d8",),
    "star": ("fffbe8",), "bolt": ("fffbd0",), "rain": ("c9d6d4",),
    "storm_light": ("78877f",), "storm_mid": ("5a6964",), "storm_dark": ("414f4e",),
}  # fmt: skip


@dataclass(frozen=True)
class Light:
    """A time of day: the sky from the top to the horizon, the light on things, the clouds."""

    sky: tuple[str, str, str, str]
    haze: str
    light: tuple[float, float, float]
    cloud_light: str
    cloud_dark: str
    water: str


TIMES: dict[str, Light] = {
    "noon": Light(("2b86e8", "55aaf4", "92d0fb", "dff3fd"), "c9e7fa", (1.0, 1.0, 1.0),
                  "ffffff", "d3e6f6", "1f86c9"),
    "sunset": Light(("4b2f87", "b8468d", "fb7a52", "ffd271"), "ff9f62", (0.92, 0.66, 0.62),
                    "ffb98a", "d9678a", "8a4a8f"),
    "night": Light(("070c2b", "101c4d", "1d3474", "33539a"), "2a4688", (0.36, 0.43, 0.63),
                   "4a639f", "2c4280", "14285c"),
    "storm": Light(("3a4847", "566662", "7b8a80", "9fac9a"), "84938a", (0.58, 0.64, 0.6),
                   "78877f", "5a6964", "45605f"),
}  # fmt: skip
SNOW_LIGHT = {"sunset": (1.0, 1.1, 1.25), "night": (1.45, 1.45, 1.35), "storm": (1.2, 1.2, 1.25)}
EMISSIVE = {"window_lit": {"sunset": "ffd36b", "night": "ffcf5a", "storm": "f3cd7c"}}
UNLIT = frozenset({"star", "bolt", "rain", "storm_light", "storm_mid", "storm_dark", *RAINBOW})


def material_colour(name: str, season: int, time: str) -> Array:
    """The colour of a material in its season and light."""
    if name.startswith("cloud"):
        return rgb(getattr(TIMES[time], name))
    if time in EMISSIVE.get(name, {}):
        return rgb(EMISSIVE[name][time])
    if name in UNLIT:
        return rgb(PAINT[name][0])
    colour = rgb(PAINT[name][season if len(PAINT[name]) > 1 else 0])
    colour = colour * np.array(TIMES[time].light, dtype=np.float32)
    if season == 2 and len(PAINT[name]) > 1:
        colour = colour * np.array(SNOW_LIGHT.get(time, (1, 1, 1)), dtype=np.float32)
    return colour.astype(np.float32)


@cache
def rgb(text: str) -> Array:
    """Six hexadecimal digits as a colour in [0, 1]."""
    return np.array([int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)], dtype=np.float32)
