"""What can be said of a landscape, what merely varies, and what a picture actually shows."""

from __future__ import annotations

from c2l_demo.worlds.world import Attribute, Scene

ATTRIBUTES = (
    Attribute(
        "place",
        ("beach", "mountains", "forest", "desert", "city", "lake", "hills"),
        (1 / 7,) * 7,
    ),
    Attribute("time", ("noon", "sunset", "night", "storm"), (0.3, 0.25, 0.25, 0.2)),
    Attribute("season", ("summer", "autumn", "winter"), (0.4, 0.3, 0.3)),
    Attribute("celestial", ("none", "sun", "moon"), (0.26, 0.4, 0.34)),
    Attribute("palms", ("no", "yes"), (0.65, 0.35)),
    Attribute("clouds", ("no", "yes"), (0.5, 0.5)),
    Attribute("rainbow", ("no", "yes"), (0.8, 0.2)),
)
NUISANCES = ("sky_tint", "ground_tint", "horizon", "relief", "sun_x", "cloud_x", "warmth")
VALUES = {a.name: a.values for a in ATTRIBUTES}
SEASONLESS = ("beach", "desert")  # they look the same all year


def visible(scene: Scene) -> dict[str, int]:
    """The attributes as the picture shows them."""
    shown = dict(scene.attributes)
    place = VALUES["place"][shown["place"]]
    time = VALUES["time"][shown["time"]]
    if place in SEASONLESS:
        del shown["season"]
    disc_index = {"noon": 1, "sunset": 1, "night": 2}.get(time)
    if shown["celestial"] != disc_index:
        shown["celestial"] = 0
    if shown.get("season") == 2:
        shown["palms"] = 0
    if time == "storm":
        shown["clouds"] = 1
    if time not in ("noon", "storm"):
        shown["rainbow"] = 0
    return shown
