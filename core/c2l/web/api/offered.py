"""What is told of recipes, limits and formats."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from c2l.version import __version__

MOST_FRAMES = 600
"""Of a walk or a video."""


class LicenceOut(BaseModel):
    """The licence of a part."""

    reference: str
    licence: str


class FactsOut(BaseModel):
    """What is known of a recipe once it is loaded.

    Args:
        layers: of the generator; null if one code makes the whole picture, so nothing can be mixed.
        classes: what can be named as ``class_label``, from number 0 on; null for none.
        options: of sampling, that the prior heeds.
        defaults: what is used where a request leaves it open.
        path: whether walks go through the prior.
        near: whether variations stay near a picture.
        gradients: whether photos can be inverted by descent, and pictures optimised.
        student: whether ``rank_by=student`` is possible.
    """

    width: int
    height: int
    layers: int | None
    classes: list[str] | None
    options: list[str]
    defaults: dict[str, Any]
    path: bool
    near: bool
    gradients: bool
    student: bool


class PriorOut(BaseModel):
    """What a request may name as ``prior``."""

    reference: str
    summary: str


class RecipeOut(BaseModel):
    """A recipe.

    Args:
        prompts: to try.
        settings: the recipe's own; null ones are left to its parts.
        priors: its own first.
        loaded: whether it is in memory now.
        facts: null until it was loaded once.
    """

    name: str
    summary: str
    generator: str
    embedder: str
    prior: str
    prompts: list[str]
    settings: dict[str, Any]
    priors: list[PriorOut]
    licences: list[LicenceOut]
    loaded: bool
    facts: FactsOut | None


class RecipesOut(BaseModel):
    """The recipes that a server offers."""

    default: str
    recipes: list[RecipeOut]


class LimitsOut(BaseModel):
    """What one request may ask for."""

    pictures: int
    frames: int
    prompt_characters: int
    body_bytes: int
    seconds: float


class AboutOut(BaseModel):
    """What a server is, and what it allows."""

    version: str
    default_recipe: str
    limits: LimitsOut
    picture_formats: list[str]
    video_formats: list[str]


RECIPE = {
    "name": "demo-faces",
    "summary": "painted portraits",
    "generator": "demo:faces",
    "embedder": "openclip:demo",
    "prior": "flow:demo-faces",
    "prompts": ["a young woman with long red hair"],
    "settings": {"guidance": None, "steps": None, "truncation": None, "best_of": 4},
    "priors": [{"reference": "flow:demo-faces", "summary": "drawn from random latents"}],
    "licences": [{"reference": "demo:faces", "licence": "Apache-2.0"}],
    "loaded": True,
    "facts": {
        "width": 128,
        "height": 128,
        "layers": 8,
        "classes": None,
        "options": ["adherence", "guidance", "negative", "near", "steps", "towards"],
        "defaults": {"guidance": 2.0, "steps": 8, "truncation": 1.0, "best_of": 4},
        "path": True,
        "near": True,
        "gradients": True,
        "student": True,
    },
}
ABOUT = {
    "version": __version__,
    "default_recipe": "demo-faces",
    "limits": {
        "pictures": 64,
        "frames": MOST_FRAMES,
        "prompt_characters": 2000,
        "body_bytes": 33554432,
        "seconds": 120,
    },
    "picture_formats": ["png", "jpeg", "webp"],
    "video_formats": ["webp", "gif", "mp4", "webm"],
}
