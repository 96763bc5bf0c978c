"""What a server offers: recipes, limits and formats."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from fastapi import APIRouter, Request

from c2l import service
from c2l.version import __version__
from c2l.web.api.offered import (
    ABOUT,
    MOST_FRAMES,
    RECIPE,
    AboutOut,
    FactsOut,
    LicenceOut,
    LimitsOut,
    PriorOut,
    RecipeOut,
    RecipesOut,
)
from c2l.web.connection import engine_of, offer_of, settings_of, while_connected, who_is
from c2l.web.documented import errors, example
from c2l.web.engine import Describe
from c2l.web.errors import ApiError
from c2l.web.offer import Offered

router = APIRouter()


@router.get("", summary="What the server is and allows",
            responses={**errors(401), **example(ABOUT)})  # fmt: skip
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
    responses={**errors(401, 429, 503), **example({"default": "demo-faces", "recipes": [RECIPE]})},
)
async def recipes(request: Request) -> RecipesOut:
    """The first is the default."""
    offer = offer_of(request)
    found = [await _recipe(request, offered) for offered in offer.recipes.values()]
    return RecipesOut(default=offer.default, recipes=found)


@router.get("/recipes/{name}", summary="A recipe",
            responses={**errors(401, 404, 429, 503), **example(RECIPE)})  # fmt: skip
async def recipe(name: str, request: Request) -> RecipeOut:
    return await _recipe(request, _offered(request, name))


@router.post("/recipes/{name}/load", summary="Load a recipe",
             responses={**errors(401, 404, 429, 500, 503), **example(RECIPE)})  # fmt: skip
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
        classes=described["classes"],
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
