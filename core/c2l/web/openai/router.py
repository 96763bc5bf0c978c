"""``/v1/models`` and ``/v1/images``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from c2l.web.compat.bodies import read_body
from c2l.web.compat.drawing import how_of
from c2l.web.compat.recipes import chosen_recipe
from c2l.web.compat.schemas import answers_with, asks_for
from c2l.web.compat.works import Adhered, FromPicture, Varied
from c2l.web.connection import engine_of, offer_of, settings_of, while_connected, who_is
from c2l.web.engine import Answer, Describe, Draw, Work
from c2l.web.errors import ApiError
from c2l.web.middleware.token import PICTURES
from c2l.web.offer import Offered
from c2l.web.openai.answering import images_answer
from c2l.web.openai.kept import KeptPictures
from c2l.web.openai.orders import Order, order_of, order_of_picture
from c2l.web.openai.shapes import (
    EditsBody,
    GenerationsBody,
    ImagesAnswer,
    Model,
    ModelList,
    VariationsBody,
)
from c2l.web.openai.streaming import events, steps_of_partial

_FIDELITY = {"low": 0.5, "high": 0.75}
"""The weight of a picture, by ``input_fidelity``."""

router = APIRouter(tags=["OpenAI"])


def add_to(app: FastAPI) -> None:
    """Add the routes to an app, with a place for pictures."""
    app.state.kept_pictures = KeptPictures()
    app.state.started = int(time.time())
    app.include_router(router)


@router.get("/v1/models", response_model=ModelList)
async def list_models(request: Request) -> ModelList:
    """The recipes."""
    offered = offer_of(request).recipes.values()
    return ModelList(data=[_model(request, recipe) for recipe in offered])


@router.get("/v1/models/{name}", response_model=Model)
async def show_model(name: str, request: Request) -> Model:
    """One recipe."""
    offer = offer_of(request)
    return _model(request, offer.recipes[chosen_recipe(name, offer, offer.default).recipe])


@router.post(
    "/v1/images/generations", openapi_extra=asks_for(GenerationsBody), **answers_with(ImagesAnswer)
)
async def generations(request: Request) -> Response:
    """Pictures of a prompt."""
    offer, limits = offer_of(request), settings_of(request).limits
    order = order_of(GenerationsBody, await read_body(request), offer, offer.default)
    asked = order.request(order.body.prompt, limits)
    draw = Draw(asked, recipe=order.recipe)
    if not order.body.stream:
        return await _drawn(request, order, draw)
    quick = [
        Draw(asked.replace(steps=steps, best_of=1, optimise=0), recipe=order.recipe)
        for steps in await _partial_steps(request, order, asked.steps)
    ]
    return await _streamed(request, order, "image_generation", [*quick, draw])


@router.post(
    "/v1/images/edits", openapi_extra=asks_for(EditsBody, "image"), **answers_with(ImagesAnswer)
)
async def edits(request: Request) -> Response:
    """A picture, changed so that it shows the prompt.

    One that c2l drew is changed by the smallest move of its latents; of any other, what it shows is
    blended with the prompt.
    """
    order, picture = await order_of_picture(EditsBody, await read_body(request), offer_of(request))
    body = order.body
    asked = order.request(body.prompt, settings_of(request).limits)
    own = how_of(asked)
    work = Adhered(
        picture.photo,
        picture.record,
        body.prompt,
        tuple(asked.seed_lists[0]),
        own,
        asked.truncation,
        picture_weight=_FIDELITY[body.input_fidelity] if body.weight is None else body.weight,
        recipe=order.recipe,
    )
    if not body.stream:
        return await _drawn(request, order, work)
    quick: list[FromPicture] = []
    if picture.record is None:
        steps_of = await _partial_steps(request, order, asked.steps)
        quick += [replace(work, how={**own, "steps": steps}) for steps in steps_of]
    elif body.partial_images:  # the picture as it was, until the move is found
        quick.append(Varied(picture.photo, picture.record, "", work.seeds[:1], amount=0,
                            truncation=asked.truncation, recipe=order.recipe))  # fmt: skip
    return await _streamed(request, order, "image_edit", [*quick, work])


@router.post(
    "/v1/images/variations",
    openapi_extra=asks_for(VariationsBody, "image"),
    **answers_with(ImagesAnswer),
)
async def variations(request: Request) -> Response:
    """Neighbours of a picture that c2l drew; of any other, pictures like it."""
    order, picture = await order_of_picture(
        VariationsBody, await read_body(request), offer_of(request)
    )
    asked = order.request("a picture", settings_of(request).limits)
    own = how_of(asked)
    seeds = tuple(asked.seed_lists[0])
    return await _drawn(
        request,
        order,
        Varied(picture.photo, picture.record, "", seeds, own, asked.truncation,
               amount=order.body.amount, recipe=order.recipe),
    )  # fmt: skip


@router.get(f"{PICTURES}{{name}}", response_class=Response)
async def kept_picture(name: str, request: Request) -> Response:
    """A picture that was asked for as a URL, for an hour."""
    kept = request.app.state.kept_pictures.get(name)
    if kept is None:
        raise ApiError(404, "this picture is not here, or not any more", code="not_found")
    headers = {
        "cache-control": "private, max-age=3600",
        "cross-origin-resource-policy": "cross-origin",  # pages elsewhere may show it
    }
    return Response(kept.data, media_type=kept.media_type, headers=headers)


def _model(request: Request, recipe: Offered) -> Model:
    prompts = recipe.card.get("prompts")
    return Model(
        id=recipe.name,
        created=request.app.state.started,
        summary=recipe.summary,
        licences=dict(recipe.licences),
        prompts=list(prompts) if isinstance(prompts, list) else [],
    )


def _do(request: Request, work: Work) -> Coroutine[Any, Any, Answer]:
    return while_connected(request, engine_of(request).do(work, who=who_is(request)))


async def _drawn(request: Request, order: Order[Any], work: Work) -> JSONResponse:
    answer = await _do(request, work)
    kept: KeptPictures = request.app.state.kept_pictures
    format = order.body.output_format

    def to_url(file: bytes) -> str:
        name = kept.keep(file, f"image/{format}", format)
        return f"{str(request.base_url).rstrip('/')}{PICTURES}{name}"

    return JSONResponse(await asyncio.to_thread(images_answer, order, answer, to_url))


async def _partial_steps(request: Request, order: Order[Any], steps: int | None) -> Sequence[int]:
    """Steps of the partial pictures; none where the prior has no steps."""
    num = order.body.partial_images
    if not num:
        return []
    facts = await _do(request, Describe(recipe=order.recipe))
    return steps_of_partial(num, steps) if "steps" in facts.values["options"] else []


async def _streamed(
    request: Request, order: Order[Any], name: str, works: Sequence[Work]
) -> StreamingResponse:
    # Whatever is wrong with the request is found by the first work: it still gets its status.
    first = await _do(request, works[0])
    told = events(order, name, first, works[1:], lambda work: _do(request, work))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)
