"""The routes that answer at once; each is a body and what it is answered with."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from c2l import service
from c2l.web.api.asking import answer_to, carried_out
from c2l.web.api.directions import DirectionBody, DirectionOut
from c2l.web.api.drawing import SampleBody
from c2l.web.api.editing import AdhereBody, MixBody, MoveBody, VaryBody, WalkBody, WalkOut
from c2l.web.api.latents import LatentsAnswer, LatentsBody, SynthesizeBody
from c2l.web.api.photos import InvertBody, InvertOut, LikeBody
from c2l.web.api.pictures import PicturesOut
from c2l.web.api.records import ReadBody, RecordOut, RedrawBody
from c2l.web.api.seeing import EmbedBody, EmbedOut, ScoreBody, ScoreOut
from c2l.web.api.videos import VIDEO_CONTENT, VideoBody, video_file
from c2l.web.connection import while_connected
from c2l.web.documented import PICTURE, PICTURES, errors, example
from c2l.web.strict_json import StrictRoute

router = APIRouter(route_class=StrictRoute)

_TIMINGS = {"notices": [], "timings": {"total": 25.1}}
_ALONG = {"op": "given", "shape": [1, 2], "data": "AACAPwAAAAA=", "repeats": [8]}
_DIRECTION = {
    "direction": {"along": _ALONG, "name": "a young person -> an elderly person"},
    "made": {"by": "prompts", "start": "a young person", "end": "an elderly person"},
    "measures": {"seen": 0.4, "wanted": 0.41, "length": 2.1},
    "generator": "demo:faces",
    **_TIMINGS,
}
_INVERSION = {"distance": 0.08, "first_distance": 0.31, "steps": 200, "seconds": 9.2}
_LATENTS = {"shape": [1, 1, 2], "dtype": "float32", "data": "AACAPwAAAAA=", "repeats": None}
_FILE = {"schema": {"type": "string", "format": "binary"}}


def _documented(answer: dict[str, Any], **media: Any) -> dict[int | str, dict[str, Any]]:
    found = {**errors(), **example(answer)}
    found[200]["content"].update(media.get("content", {}))
    return found


@router.post(
    "/sample",
    summary="Draw pictures of prompts",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def sample(body: SampleBody, request: Request) -> Response:
    """The body is a ``c2l.Request``, without what is the server's: parts and device."""
    return await answer_to(request, body)


@router.post(
    "/vary",
    summary="Draw neighbours of pictures",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def vary(body: VaryBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/mix",
    summary="Mix the layers of two pictures",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def mix(body: MixBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/walk",
    summary="Walk from picture to picture",
    response_model=WalkOut,
    responses=_documented({**PICTURES, "strip": None}),
)
async def walk(body: WalkBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/move",
    summary="Move pictures along directions",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def move(body: MoveBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/adhere",
    summary="Let pictures show one more thing",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def adhere(body: AdhereBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/like",
    summary="Draw what a photo shows",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def like(body: LikeBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/invert",
    summary="Find the picture of a photo",
    response_model=InvertOut,
    responses=_documented({**PICTURES, "inversion": _INVERSION}),
)
async def invert(body: InvertBody, request: Request) -> Response:
    """Seconds to minutes: better asked for as a job."""
    return await answer_to(request, body)


@router.post(
    "/direction",
    summary="Make a direction",
    response_model=DirectionOut,
    responses=_documented(_DIRECTION),
)
async def direction(body: DirectionBody, request: Request) -> Response:
    """``direction`` of the answer can be put into ``/move``, ``/video`` and the live socket."""
    return await answer_to(request, body)


@router.post(
    "/synthesize",
    summary="Draw latents",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def synthesize(body: SynthesizeBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/score",
    summary="Score pictures by texts",
    response_model=ScoreOut,
    responses=_documented({"scores": [[0.27, 0.11]], "embedder": "openclip:demo", **_TIMINGS}),
)
async def score(body: ScoreBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/embed",
    summary="Embed texts and pictures",
    response_model=EmbedOut,
    responses=_documented(
        {
            "texts": [[0.6, 0.8]],
            "pictures": [],
            "dimensions": 2,
            "embedder": "openclip:demo",
            **_TIMINGS,
        }
    ),
)
async def embed(body: EmbedBody, request: Request) -> Response:
    return await answer_to(request, body)


@router.post(
    "/records/draw",
    summary="Draw records again",
    response_model=PicturesOut,
    responses=_documented(PICTURES),
)
async def redraw(body: RedrawBody, request: Request) -> Response:
    """A picture for each record; a notice says where parts have changed since."""
    return await answer_to(request, body)


@router.post(
    "/video",
    summary="Draw a walk or a turn as a video",
    response_class=Response,
    responses={**errors(), 200: {"description": "The file", "content": VIDEO_CONTENT}},
)
async def video(body: VideoBody, request: Request) -> Response:
    """Long ones are better asked for as a job."""
    answer, _ = await while_connected(request, carried_out(request, body))
    return video_file(answer.values["video"], body.format)


@router.post(
    "/latents",
    summary="The latents of prompts or of pictures",
    response_model=LatentsAnswer,
    responses=_documented(
        {"latents": _LATENTS, "seeds": [7], **_TIMINGS},
        content={"application/octet-stream": _FILE},
    ),
)
async def latents(body: LatentsBody, request: Request) -> Response:
    """As JSON, or as the safetensors file that ``c2l sample latents=FILE`` writes."""
    if body.format == "json":
        return await answer_to(request, body)
    answer, _ = await while_connected(request, carried_out(request, body))
    data = await asyncio.to_thread(service.latents_file, answer.pictures)
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"content-disposition": 'attachment; filename="latents.safetensors"'},
    )


@router.post(
    "/records/read",
    summary="Read the record in a PNG",
    responses={
        **errors(400, 401, 408, 413),
        **example({"record": PICTURE["record"], "request": {"prompt": "a happy man", "seed": 7}}),
    },
)
async def read(body: ReadBody) -> RecordOut:
    """Nothing is drawn; ``request`` is what ``/sample`` takes."""
    return await asyncio.to_thread(body.record)
