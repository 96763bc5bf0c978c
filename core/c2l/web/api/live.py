"""The live socket: a client sends as fast as it likes, and the newest counts."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError

from c2l.web.api.asked import Asked, checked
from c2l.web.api.asking import carried_out
from c2l.web.api.kinds import LIVE
from c2l.web.api.pictures import PicturesOut
from c2l.web.errors import ApiError, as_api_error, error_detail
from c2l.web.strict_json import loads_strictly

router = APIRouter()

GRACE_SECONDS = 0.25
PREVIEW_SECONDS = 1.0
"""For what is being drawn when something newer comes, and for a preview. Without them a hand that
never rests would see nothing."""

_OUT = ("preview", "max_size", "format", "quality", "images")
_KNOWN = {"id", "kind", "request", *_OUT}


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Messages are ``{"id", "kind", "request", "preview", "max_size", "format"}``."""
    await socket.accept(subprotocol="c2l" if "c2l" in socket.scope["subprotocols"] else None)
    newest = _Newest()
    drawing = asyncio.create_task(_draw(socket, newest))
    try:
        while True:
            newest.put(await socket.receive_text())
    except (WebSocketDisconnect, KeyError):  # it left; or sent bytes, which mean nothing here
        pass
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)


class _Newest:
    """The newest message that nobody has taken yet."""

    def __init__(self) -> None:
        self._message: str | None = None
        self._there = asyncio.Event()

    def put(self, message: str) -> None:
        self._message = message
        self._there.set()

    async def take(self) -> str:
        await self._there.wait()
        self._there.clear()
        return cast(str, self._message)

    async def wait(self) -> None:
        """Until there is one to take."""
        await self._there.wait()


@dataclass(frozen=True)
class _Wanted:
    """What a message wants: a body; or the error that it is answered with."""

    id: int | float | str | None = None
    body: Asked | None = None
    error: Exception | None = None

    @property
    def grace(self) -> float:
        """Seconds that it may still take when something newer is wanted."""
        return PREVIEW_SECONDS if getattr(self.body, "preview", False) else GRACE_SECONDS


async def _draw(socket: WebSocket, newest: _Newest) -> None:
    while True:
        wanted = _read(await newest.take())
        answering = asyncio.ensure_future(_answer(socket, wanted))
        newer = asyncio.ensure_future(newest.wait())
        try:
            await asyncio.wait({answering, newer}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({answering}, timeout=wanted.grace)
            if answering.done():
                await socket.send_text(answering.result())
        finally:
            for one in (answering, newer):
                one.cancel()
            await asyncio.gather(answering, newer, return_exceptions=True)


def _read(message: str) -> _Wanted:
    id: int | float | str | None = None
    try:
        sent = loads_strictly(message)
        if not isinstance(sent, dict):
            raise ApiError(400, "a message is a JSON object", code="bad_input")
        id = _id_of(sent)
        return _Wanted(id, body_of(sent))
    except (ApiError, RequestValidationError) as error:
        return _Wanted(id, error=error)


async def _answer(socket: WebSocket, wanted: _Wanted) -> str:
    """The answer to a message: pictures, or an error."""
    try:
        if wanted.body is None:
            raise wanted.error or AssertionError
        answer, milliseconds = await carried_out(socket, wanted.body)
        told = await asyncio.to_thread(wanted.body.answered, answer, milliseconds)
    except Exception as error:
        return json.dumps({"id": wanted.id, "error": error_detail(as_api_error(error))})
    fields = cast(PicturesOut, told)
    scores = [picture.score for picture in fields.pictures if picture.score is not None]
    head = json.dumps({"id": wanted.id, "score": max(scores, default=None)})
    return f"{head[:-1]}, {fields.model_dump_json()[1:]}"


def _id_of(sent: dict[str, Any]) -> int | float | str | None:
    id = sent.get("id")
    if isinstance(id, bool) or not isinstance(id, (int, float, str, type(None))):
        raise ApiError(400, "`id` is a number or a text", param="id", code="bad_input")
    if isinstance(id, str) and len(id) > 200:
        raise ApiError(400, "`id` is longer than 200 characters", param="id", code="bad_input")
    return id


def body_of(sent: dict[str, Any]) -> Asked:
    """The body that a message asks for.

    Raises:
        ApiError, RequestValidationError: there is none of this kind, or a value is wrong.
    """
    unknown = sorted(sent.keys() - _KNOWN)
    if unknown:
        raise ApiError(400, f"`{unknown[0][:80]}` is unknown", param=unknown[0][:80],
                       code="bad_input")  # fmt: skip
    kind, request = sent.get("kind", "sample"), sent.get("request")
    if not isinstance(kind, str) or kind not in LIVE:
        raise ApiError(400, f"`kind` is one of {', '.join(LIVE)}", param="kind", code="bad_input")
    if not isinstance(request, dict):
        raise ApiError(400, "`request` is a JSON object", param="request", code="bad_input")
    out = {"format": "webp", **{name: sent[name] for name in _OUT if name in sent}}
    return checked(LIVE[kind], {**out, **request}, ("request",))
