"""The renderer of the landscapes world: a picture is a pile of layers.

Every layer is drawn once for each size (`layers`) and kept as anti-aliased coverage maps. To render
a scene, choose the colour of each material (season, time of day, tints), move or stretch the layers
a little (horizon, relief) and add them up. Nothing is random, so a picture is a smooth function of
its nuisances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from c2l_demo.worlds.landscapes.attributes import NUISANCES, VALUES, visible
from c2l_demo.worlds.landscapes.colours import TIMES, material_colour, rgb
from c2l_demo.worlds.landscapes.layers import (
    BOW_BEFORE,
    HORIZON,
    PLACES,
    SUNSET_Y,
    WATER_BEFORE,
    Layer,
)
from c2l_demo.worlds.landscapes.pen import Array, Draw, Point, drawn
from c2l_demo.worlds.landscapes.sky import (
    draw_bolt,
    draw_clouds,
    draw_palms,
    draw_rain,
    draw_rainbow,
    draw_stars,
    draw_storm,
)
from c2l_demo.worlds.world import Scene


@cache
def base_colours(draw: Draw, season: int, time: str) -> Array:
    """The colours of a layer's materials in their season and light: (3, materials)."""
    return np.stack([material_colour(name, season, time) for name in drawn(draw, 16)[0]], axis=1)


@cache
def grid(size: int) -> tuple[Array, Array]:
    """The x of each column and the y of each row, as (1, size) and (size, 1)."""
    axis = ((np.arange(size) + 0.5) / size).astype(np.float32)
    return axis[None, :], axis[:, None]


def take_rows(maps: Array, rows: Array) -> Array:
    """Rows at fractional places (in pixels), the edge rows going on for ever."""
    rows = np.clip(rows, 0, maps.shape[1] - 1.001)
    low = rows.astype(np.int32)
    part = (rows - low).astype(np.float32)[:, None]
    lower = maps[:, low]
    return lower + (maps[:, low + 1] - lower) * part


def moved(maps: Array, down: float, stretch: float) -> Array:
    """The maps moved down, and stretched upwards from the horizon's foot."""
    size, foot = maps.shape[1], 0.62
    y = grid(size)[1][:, 0]
    place = y - down
    place = np.where(place < foot, foot + (place - foot) / stretch, place)
    return take_rows(maps, place * size - 0.5)


def rolled(maps: Array, right: float) -> Array:
    """The maps moved to the right, round the edge."""
    pixels = right * maps.shape[2]
    whole = math.floor(pixels)
    part = np.float32(pixels - whole)
    return np.roll(maps, whole, 2) * (1 - part) + np.roll(maps, whole + 1, 2) * part


def over(canvas: Array, maps: Array, colours: Array) -> Array:
    """The canvas with a layer over it."""
    count, size = maps.shape[0], canvas.shape[1]
    flat = maps.reshape(count, -1)
    paint = (colours.astype(np.float32) @ flat).reshape(3, size, size)
    result: Array = canvas * (1 - maps.sum(0)) + paint
    return result


def blend(canvas: Array, colour: Array, alpha: Array) -> Array:
    """One colour over the canvas."""
    return canvas + (colour[:, None, None] - canvas) * alpha


def disc(size: int, x: float, y: float, radius: float) -> tuple[Array, Array]:
    """An anti-aliased disc and the squared distance to its centre."""
    gx, gy = grid(size)
    square = (gx - x) ** 2 + (gy - y) ** 2
    return np.clip((radius - np.sqrt(square)) * size + 0.5, 0, 1), square


@dataclass(frozen=True)
class View:
    """What a scene comes down to: names for the attributes that show, plain nuisances."""

    place: str
    time: str
    season: int
    shown: dict[str, int]
    n: dict[str, float]

    @property
    def down(self) -> float:
        """How far the horizon is below its usual place."""
        return 0.05 * (self.n["horizon"] - 0.5)

    @property
    def disc_at(self) -> Point:
        """Where the sun or the moon stands."""
        x = 0.66 + 0.14 * (self.n["sun_x"] - 0.5)
        if self.time == "sunset":
            return x, SUNSET_Y[self.place] + self.down
        return x + 0.09, 0.17


def paint_sky(view: View, size: int) -> Array:
    """The sky with what hangs in it."""
    light = TIMES[view.time]
    y = grid(size)[1][:, 0] - view.down
    stops = np.stack([rgb(c) for c in light.sky])
    sky = np.stack([np.interp(y, (0.0, 0.2, 0.4, HORIZON), stops[:, c]) for c in range(3)])
    tint = view.n["sky_tint"] - 0.5
    sky = sky * np.array([1 - 0.16 * tint, 1 + 0.14 * tint, 1 - 0.05 * tint])[:, None]
    canvas = np.repeat(sky[:, :, None], size, axis=2).astype(np.float32)
    if view.time == "night":
        stars = drawn(draw_stars, size)[1]
        canvas = over(canvas, stars, base_colours(draw_stars, 0, "night"))
    if view.shown["celestial"]:
        canvas = paint_disc(canvas, view, size)
    if view.time == "storm":
        storm = rolled(drawn(draw_storm, size)[1], 0.12 * (view.n["cloud_x"] - 0.5))
        canvas = over(canvas, storm, base_colours(draw_storm, 0, "storm"))
        canvas = over(canvas, drawn(draw_bolt, size)[1], base_colours(draw_bolt, 0, "storm"))
    elif view.shown["clouds"]:
        clouds = rolled(drawn(draw_clouds, size)[1], 0.12 * (view.n["cloud_x"] - 0.5))
        canvas = over(canvas, clouds * 0.93, base_colours(draw_clouds, 0, view.time))
    return canvas


def paint_rainbow(canvas: Array, view: View, size: int) -> Array:
    """The rainbow, more vivid in the rain."""
    bow = drawn(draw_rainbow, size)[1] * np.float32(0.7 if view.time == "noon" else 0.8)
    return over(canvas, bow, base_colours(draw_rainbow, 0, view.time))


def paint_disc(canvas: Array, view: View, size: int) -> Array:
    """The sun or the moon with its glow."""
    x, y = view.disc_at
    if view.time == "night":
        disk, square = disc(size, x, y, 0.105)
        canvas = blend(canvas, rgb("9db4ef"), 0.55 * np.exp(-square / 0.03))
        canvas = blend(canvas, rgb("fdf8dc"), disk)
        for dx, dy, r in ((-0.035, -0.02, 0.026), (0.035, 0.03, 0.032), (0.03, -0.045, 0.016)):
            canvas = blend(canvas, rgb("dcd6bd"), disc(size, x + dx, y + dy, r)[0])
        return canvas
    noon = view.time == "noon"
    disk, square = disc(size, x, y, 0.095 if noon else 0.135)
    canvas = blend(canvas, rgb("fffbe0" if noon else "ffd98a"), 0.75 * np.exp(-square / 0.035))
    return blend(canvas, rgb("ffe04a" if noon else "fff0a8"), disk)


def paint_water(canvas: Array, view: View, size: int) -> Array:
    """The sea or the lake: what is above it, mirrored and tinted, with glitter under the disc."""
    level = HORIZON - (0.007 if view.place == "lake" else 0.0) + view.down
    gx, gy = grid(size)
    y = gy[:, 0]
    mirror = take_rows(canvas, (2 * level - y) * size - 0.5)
    depth = np.clip((gy - level) / (1 - level), 0, 1)
    own = 0.28 + 0.4 * depth if view.place == "lake" else 0.62 + 0.25 * depth
    water = blend(mirror, rgb(TIMES[view.time].water), own)
    stripes = 0.5 + 0.5 * np.sin(2 * np.pi * 9 * np.sqrt(depth))
    water = water * (1 + 0.05 * (stripes - 0.5))
    if view.shown["celestial"]:
        x, _ = view.disc_at
        path = np.exp(-(((gx - x) / (0.05 + 0.09 * depth)) ** 2)) * (0.25 + 0.75 * stripes)
        colour = {"noon": "ffffff", "sunset": "ffe08a", "night": "dfe8ff"}[view.time]
        water = blend(water, rgb(colour), 0.8 * path)
    result: Array = canvas + (water - canvas) * np.clip((gy - level) * size + 0.5, 0, 1)
    return result


def paint_layer(canvas: Array, layer: Layer, view: View, size: int) -> Array:
    """One layer of the place in its colours."""
    stretch = 1 + layer.relief * 0.26 * (view.n["relief"] - 0.5)
    maps = moved(drawn(layer.draw, size)[1], view.down, stretch)
    colours = base_colours(layer.draw, view.season, view.time)
    tint = view.n["ground_tint"] - 0.5
    colours = colours * np.array([[1 + 0.2 * tint], [1.0], [1 - 0.3 * tint]], dtype=np.float32)
    haze = rgb(TIMES[view.time].haze)
    colours = colours + (haze[:, None] - colours) * np.float32(layer.haze)
    canvas = over(canvas, maps, np.minimum(colours, 1))
    if layer.mist:
        gy = grid(size)[1] - view.down
        fog = layer.mist * np.clip((gy - 0.38) / 0.32, 0, 1) ** 1.5
        canvas = blend(canvas, haze, fog * maps.sum(0))
    return canvas


def render(scene: Scene, size: int) -> Image.Image:
    """The scene as a picture."""
    shown = visible(scene)
    view = View(
        VALUES["place"][shown["place"]],
        VALUES["time"][shown["time"]],
        shown.get("season", 0),
        shown,
        dict(zip(NUISANCES, scene.nuisances, strict=True)),
    )
    canvas = paint_sky(view, size)
    for i, layer in enumerate(PLACES[view.place]):
        if BOW_BEFORE.get(view.place, 0) == i and view.shown["rainbow"]:
            canvas = paint_rainbow(canvas, view, size)
        if WATER_BEFORE.get(view.place) == i:
            canvas = paint_water(canvas, view, size)
        canvas = paint_layer(canvas, layer, view, size)
    gy = grid(size)[1]
    canvas = canvas * (1 - 0.22 * np.clip((gy - 0.66) / 0.34, 0, 1) ** 1.5)
    if view.shown["celestial"]:
        _, square = disc(size, *view.disc_at, 0.1)
        glow, strength = {
            "noon": ("fff3c0", 0.14),
            "sunset": ("ffb560", 0.32),
            "night": ("8fa8e8", 0.16),
        }[view.time]
        canvas = blend(canvas, rgb(glow), strength * np.exp(-square / 0.12))
    if view.shown["palms"]:
        canvas = over(canvas, drawn(draw_palms, size)[1], base_colours(draw_palms, 0, view.time))
    if view.time == "storm":
        rain = drawn(draw_rain, size)[1]
        canvas = over(canvas, rain * np.float32(0.33), base_colours(draw_rain, 0, "storm"))
    warm = view.n["warmth"] - 0.5
    canvas = (
        canvas * np.array([1 + 0.1 * warm, 1.0, 1 - 0.14 * warm], dtype=np.float32)[:, None, None]
    )
    pixels = (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
