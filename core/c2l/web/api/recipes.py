"""What a server offers: recipes, limits and formats."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel

from c2l import service
from c2l.version import __version__
from c2l.web.api.editing import MOST_FRAMES
from c2l.web.connection import engine_of, offer_of, settings_of, while_connected, who_is
from c2l.web.documented import errors, example
from c2l.web.engine import Describe
from c2l.web.errors import ApiError
from c2l.web.offer import Offered

router = APIRouter()


class LicenceOut(BaseModel):
    """The licence of a part."""

    reference: str
    licence: str


class FactsOut(BaseModel):
    """What is known of a recipe once it is loaded.

    Args:
        layers: of the generator; null if one code makes the whole picture, so nothing can be mixed.
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


_RECIPE = {
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
        "options": ["adherence", "guidance", "negative", "near", "steps", "towards"],
        "defaults": {"guidance": 2.0, "steps": 8, "truncation": 1.0, "best_of": 4},
        "path": True,
        "near": True,
        "gradients": True,
        "student": True,
    },
}
_ABOUT = {
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


@router.get("", summary="What the server is and allows",
            responses={**errors(401), **example(_ABOUT)})  # fmt: skip
async def about(request: Request) -> AboutOut:
    limits = settings_of(request).limits
    return AboutOut(
        version=__version__,
        default_recipe=offer_of(request).default,
        limits=LimitsOut(
            pictures=limits.pictures,
            frames=MOST_FRAMES,
            prompt_characters=limits.prompt,
            body_bytes=limits.body,
            seconds=limits.seconds,
        ),
        picture_formats=["png", "jpeg", "webp"],
        video_formats=list(service.video_formats()),
    )


@router.get(
    "/recipes",
    summary="The recipes that are offered",
    responses={**errors(401), **example({"default": "demo-faces", "recipes": [_RECIPE]})},
)
async def recipes(request: Request) -> RecipesOut:
    """The first is the default."""
    offer = offer_of(request)
    found = [await _recipe(request, offered) for offered in offer.recipes.values()]
    return RecipesOut(default=offer.default, recipes=found)


@router.get("/recipes/{name}", summary="A recipe",
            responses={**errors(401, 404), **example(_RECIPE)})  # fmt: skip
async def recipe(name: str, request: Request) -> RecipeOut:
    return await _recipe(request, _offered(request, name))


@router.post("/recipes/{name}/load", summary="Load a recipe",
             responses={**errors(401, 404, 429, 500, 503), **example(_RECIPE)})  # fmt: skip
async def load(name: str, request: Request) -> RecipeOut:
    """Answers once it is in memory, with its facts; the next picture comes at once."""
    offered = _offered(request, name)
    await _look_up(request, offered.name)
    return await _recipe(request, offered)


def _offered(request: Request, name: str) -> Offered:
    found = offer_of(request).recipes.get(name)
    if found is None:
        raise ApiError(404, f"there is no recipe '{name:.80}' here", param="name", code="not_found")
    return found


async def _recipe(request: Request, offered: Offered) -> RecipeOut:
    loaded = offered.name in engine_of(request).status().loaded
    facts = _facts(request)
    if loaded and offered.name not in facts:
        await _look_up(request, offered.name)
    card = cast("Mapping[str, Any]", offered.card)
    parts = {role: str(card[role]) for role in ("generator", "embedder", "prior")}
    return RecipeOut(
        name=offered.name,
        summary=offered.summary,
        **parts,
        prompts=card["prompts"],
        settings=card["settings"],
        priors=[PriorOut(reference=p, summary=_summary(p)) for p in offered.priors],
        licences=[
            LicenceOut(reference=part, licence=name) for part, name in offered.licences.items()
        ],
        loaded=loaded,
        facts=facts.get(offered.name),
    )


async def _look_up(request: Request, name: str) -> None:
    """Load a recipe, unless it is in memory, and remember its facts."""
    doing = engine_of(request).do(Describe(recipe=name), who=who_is(request))
    answer = await while_connected(request, doing)
    _facts(request)[name] = facts_of(answer.values)


def _facts(request: Request) -> dict[str, FactsOut]:
    """What is known of the recipes that were loaded since the server started."""
    state = request.app.state
    if not hasattr(state, "facts"):
        state.facts = {}
    return cast("dict[str, FactsOut]", state.facts)


def facts_of(described: Mapping[str, Any]) -> FactsOut:
    """Facts of what a ``Describe`` answered."""
    options, layers = described["options"], described["latent_space"]["num_layers"]
    defaults = {name: v for name, v in described["settings"].items() if v is not None}
    return FactsOut(
        width=described["width"],
        height=described["height"],
        layers=layers if layers > 1 else None,
        options=options,
        defaults=defaults,
        path="towards" in options,
        near="near" in options,
        gradients=described["has_gradient"],
        student=described["has_student"],
    )


@lru_cache
def _summary(reference: str) -> str:
    return str(service.show_model(reference).get("summary") or "")
