"""How a live picture is watched: MJPEG, frames by WebSocket, a page that shows them, one frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.responses import FileResponse, StreamingResponse

from c2l.web.live.newest import Newest

_PAGE = Path(__file__).with_name("page")

_GOING_AWAY = 1001
_BOUNDARY = "frame"
_ANYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""A page of the user's own may show the picture, wherever it comes from."""

_SOON, _LATER = 0.1, 1.0
"""Seconds until a still frame is sent once more, and then again and again.

Chrome shows a part of MJPEG when the next one comes. Players give up on a stream that is silent,
and a viewer that is gone is noticed when something is sent.
"""


def live_router(newest: Newest) -> APIRouter:
    """The routes that show the newest frame."""
    router = APIRouter(tags=["live"])

    @router.get("/", include_in_schema=False)
    @router.get("/live.css", include_in_schema=False)
    @router.get("/live.js", include_in_schema=False)
    async def page(request: Request) -> Response:
        return FileResponse(_PAGE / (request.url.path.removeprefix("/") or "live.html"))

    @router.get("/stream.mjpg", response_class=StreamingResponse)
    async def mjpeg() -> Response:
        """The picture as it moves: motion JPEG, for browsers, ffmpeg, OBS and other players."""
        kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
        return StreamingResponse(_parts(newest), media_type=kind, headers=_ANYWHERE)

    @router.get("/frame.jpg")
    async def frame() -> Response:
        """The newest frame."""
        newest_one = await newest.after(0)
        jpeg = newest_one.jpeg if newest_one else b""
        return Response(jpeg, media_type="image/jpeg", headers=_ANYWHERE)

    @router.websocket("/frames")
    async def frames(socket: WebSocket) -> None:
        """Each frame as one binary message, a JPEG."""
        await socket.accept()
        sending = asyncio.create_task(_send(socket, newest))
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass  # a viewer has nothing to say; values come by OSC
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    return router


async def _send(socket: WebSocket, newest: Newest) -> None:
    """The newest frame, each time the viewer is ready for one."""
    number = 0
    while frame := await newest.after(number):
        number = frame.number
        await socket.send_bytes(frame.jpeg)
    await socket.close(_GOING_AWAY)


async def _parts(newest: Newest) -> AsyncIterator[bytes]:
    """The newest frame as a part of MJPEG, each time the viewer is ready for one."""
    # The boundary is sent behind each frame: with it, players know that the frame is whole.
    yield f"--{_BOUNDARY}\r\n".encode()
    number, seconds = 0, _LATER
    while frame := await newest.after(number, seconds):
        seconds = _SOON if frame.number > number else _LATER
        number = frame.number
        head = {
            "Content-Type": "image/jpeg",
            "Content-Length": len(frame.jpeg),
            "X-Frame": number,
            "X-Message": frame.message,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        yield f"{lines}\r\n".encode() + frame.jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()
