"""What can be said of a face, what merely varies, and what a picture actually shows."""

from __future__ import annotations

from c2l_demo.worlds.world import Attribute, Scene

ATTRIBUTES = (
    Attribute("gender", ("woman", "man"), (0.5, 0.5)),
    Attribute("age", ("child", "young", "middle-aged", "elderly"), (0.2, 0.3, 0.25, 0.25)),
    Attribute("skin", ("light", "tan", "brown", "dark"), (0.31, 0.23, 0.23, 0.23)),
    Attribute(
        "hair_style",
        ("bald", "short", "long", "curly", "ponytail"),
        (0.08, 0.25, 0.25, 0.22, 0.2),
    ),
    Attribute(
        "hair_colour",
        ("black", "brown", "blonde", "red", "grey"),
        (0.2, 0.2, 0.2, 0.2, 0.2),
    ),
    Attribute("glasses", ("none", "eyeglasses", "sunglasses"), (0.5, 0.27, 0.23)),
    Attribute("facial_hair", ("none", "beard", "moustache"), (0.4, 0.3, 0.3)),
    Attribute("ear_rings", ("no", "yes"), (0.6, 0.4)),
    Attribute("expression", ("happy", "neutral", "sad", "surprised"), (0.25, 0.25, 0.25, 0.25)),
    Attribute(
        "hat",
        ("none", "red cap", "straw hat", "blue beanie"),
        (0.49, 0.17, 0.17, 0.17),
    ),
    Attribute(
        "place",
        ("studio", "sea", "forest", "city", "snow mountains"),
        (0.2, 0.2, 0.2, 0.2, 0.2),
    ),
)
NUISANCES = (
    "clothes_warm",
    "clothes_green",
    "clothes_light",
    "hair_tint",
    "skin_tint",
    "eye_colour",
    "daylight",
    "face_width",
    "hair_volume",
)
VALUES = {a.name: a.values for a in ATTRIBUTES}


def visible(scene: Scene) -> dict[str, int]:
    """The attributes as the picture shows them."""
    seen = dict(scene.attributes)
    woman = VALUES["gender"].index("woman")
    child = VALUES["age"].index("child")
    if seen["gender"] == woman or seen["age"] == child:
        seen["facial_hair"] = VALUES["facial_hair"].index("none")
    if seen["hair_style"] == VALUES["hair_style"].index("bald"):
        del seen["hair_colour"]
    return seen
