"""Requests that get no further."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from c2l.web.errors import ApiError, answer_error


async def refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error; a WebSocket is refused before it opens."""
    if scope["type"] == "websocket":
        await receive()  # its first message, "websocket.connect"
        await send({"type": "websocket.close", "code": 1008, "reason": error.message[:100]})
        return
    await answer_error(error)(scope, receive, send)
