"""``/sdapi/v1``."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from c2l.service import Notice, PlainPicture
from c2l.web.a1111.drawing import Wish, wish_of, work_of_picture, works_of_text
from c2l.web.a1111.infos import info
from c2l.web.a1111.lists import DONE_WITH_NOTHING, LISTS
from c2l.web.a1111.memory import memory
from c2l.web.a1111.options import Options
from c2l.web.a1111.png_info import png_info
from c2l.web.a1111.running import AllRunning, Running
from c2l.web.a1111.shapes import PictureBody, PicturesAnswer, PngInfoBody, TextBody
from c2l.web.compat.bodies import checked, json_object
from c2l.web.compat.encoding import encoded, in_size
from c2l.web.compat.pictures import bytes_in, read_picture
from c2l.web.compat.schemas import asks_for
from c2l.web.compat.sizes import Size, notice_of_size
from c2l.web.connection import engine_of, offer_of, settings_of, while_connected, who_is
from c2l.web.engine import Answer, Work
from c2l.web.engine.engine import OnProgress

PREFIX = "/sdapi/v1"

_NOT_ECHOED = ("init_images", "mask", "alwayson_scripts", "auth")
"""Pictures, and what some clients send along that is no business of ours."""

router = APIRouter(prefix=PREFIX, tags=["AUTOMATIC1111"])


def add_to(app: FastAPI) -> None:
    """Add the routes to an app, with options and a list of what is drawn."""
    app.state.a1111_options = Options(app.state.offer)
    app.state.a1111_running = AllRunning()
    app.include_router(router)


@router.post("/txt2img", response_model=PicturesAnswer, openapi_extra=asks_for(TextBody))
async def txt2img(request: Request) -> JSONResponse:
    """Pictures of a prompt."""
    wish = await _wish(request, TextBody)
    return await _drawn(request, wish, works_of_text(wish))


@router.post("/img2img", response_model=PicturesAnswer, openapi_extra=asks_for(PictureBody))
async def img2img(request: Request) -> JSONResponse:
    """Neighbours of a picture, on the way to the prompt: ``denoising_strength`` is how far."""
    wish = await _wish(request, PictureBody)
    data = await asyncio.to_thread(bytes_in, wish.body.init_images[0], field="init_images")
    picture = await read_picture(data, field="init_images")
    return await _drawn(request, wish, [work_of_picture(wish, picture)])


@router.get("/options")
async def options(request: Request) -> dict[str, Any]:
    """The recipe in use, and whether ``cfg_scale`` and ``steps`` are heeded."""
    return _options(request).told()


@router.post("/options")
async def set_options(request: Request) -> None:
    """Use another recipe; what else is sent is ignored."""
    _options(request).set(json_object(await request.body()))


@router.get("/sd-models")
async def sd_models(request: Request) -> list[dict[str, Any]]:
    """The recipes, as checkpoints."""
    return [
        {
            "title": recipe.name,
            "model_name": recipe.name,
            "hash": None,
            "sha256": None,
            "filename": recipe.name,
            "config": None,
        }
        for recipe in offer_of(request).recipes.values()
    ]


@router.get("/progress")
async def progress(request: Request, skip_current_image: bool = False) -> dict[str, Any]:
    """How far this client's requests are."""
    running = _all_running(request).of(who_is(request))
    done = sum(len(one.pictures) for one in running)
    total = sum(one.total for one in running)
    last = next((one.pictures[-1] for one in running if one.pictures), None)
    shown = None
    if last is not None and not skip_current_image:
        shown = await asyncio.to_thread(_base64, last, None)
    return {
        # Clients take 0 for nothing to do, and 1 for the end.
        "progress": (done + 0.5) / (total + 0.5) if running else 0.0,
        "eta_relative": 0.0,
        "state": {
            "skipped": False,
            "interrupted": any(one.interrupted for one in running),
            "stopping_generation": False,
            "job": "txt2img" if running else "",
            "job_count": len(running),
            "job_timestamp": "0",
            "job_no": 0,
            "sampling_step": done,
            "sampling_steps": total,
        },
        "current_image": shown,
        "textinfo": None,
    }


@router.post("/interrupt")
async def interrupt(request: Request) -> dict[str, Any]:
    """Stop this client's requests: they answer with the pictures that are finished."""
    for one in _all_running(request).of(who_is(request)):
        one.interrupt()
    return {}


@router.post("/png-info", openapi_extra=asks_for(PngInfoBody))
async def read_png_info(request: Request) -> dict[str, Any]:
    """What a PNG says about how it was drawn."""
    body = checked(PngInfoBody, json_object(await request.body()))
    data = await asyncio.to_thread(bytes_in, body.image, field="image")
    return await asyncio.to_thread(png_info, data)


@router.get("/memory")
async def show_memory() -> dict[str, Any]:
    """How much memory the server uses."""
    return memory()


@router.post("/unload-checkpoint")
async def unload(request: Request) -> dict[str, Any]:
    """Give all memory back; recipes are loaded again when they are asked for."""
    await engine_of(request).give_back()
    return {}


def _add_lists() -> None:
    for name, value in LISTS.items():
        router.add_api_route(f"/{name}", _answering(value), name=name, summary=f"List {name}")
    for name in DONE_WITH_NOTHING:
        router.add_api_route(f"/{name}", _answering({}), methods=["POST"], name=name,
                             summary=f"Accepted; {name} has nothing to do")  # fmt: skip


def _answering(value: Any) -> Any:
    async def answer() -> JSONResponse:
        return JSONResponse(value)

    return answer


_add_lists()


def _options(request: Request) -> Options:
    options: Options = request.app.state.a1111_options
    return options


def _all_running(request: Request) -> AllRunning:
    running: AllRunning = request.app.state.a1111_running
    return running


async def _wish(request: Request, shape: type[Any]) -> Wish[Any]:
    sent = json_object(await request.body())
    return wish_of(shape, sent, _options(request), settings_of(request).limits)


async def _drawn(request: Request, wish: Wish[Any], works: Sequence[Work]) -> JSONResponse:
    async def do(on_progress: OnProgress) -> Answer:
        engine, who = engine_of(request), who_is(request)
        answers = [await engine.do(work, who=who, on_progress=on_progress) for work in works]
        pictures = tuple(picture for answer in answers for picture in answer.pictures)
        notices = dict.fromkeys(notice for answer in answers for notice in answer.notices)
        return Answer(pictures, tuple(notices), answers[0].values)

    running = Running(who_is(request), len(wish.seeds))
    answer = await while_connected(request, _all_running(request).answer(running, do))
    return JSONResponse(await asyncio.to_thread(_answered, wish, answer))


def _answered(wish: Wish[Any], answer: Answer) -> dict[str, Any]:
    size, notices = wish.size, [*wish.notices, *answer.notices]
    if answer.pictures:  # none, if it was interrupted
        drawn = Size(answer.pictures[0].width, answer.pictures[0].height)
        if said := notice_of_size(drawn, size):
            notices.append(Notice("option", said))
        size = size or drawn
    told = info(
        answer.pictures,
        wish.recipe,
        wish.sent,
        seeds=wish.seeds,
        size=size or Size(0, 0),
        made_from=answer.values.get("made_from"),
        notices=notices,
    )
    shown = answer.pictures if wish.body.send_images else ()
    return {
        "images": [_base64(picture, size) for picture in shown],
        "parameters": {n: v for n, v in wish.sent.items() if n not in _NOT_ECHOED},
        "info": told,
    }


def _base64(picture: PlainPicture, size: Size | None) -> str:
    return base64.b64encode(encoded(in_size(picture, size), "png", 100)).decode()
