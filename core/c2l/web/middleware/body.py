"""Bodies that are too large, that never end, or that come too slowly."""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2l.web.errors import ApiError
from c2l.web.middleware.refusing import refuse
from c2l.web.settings import Limits

_CLOSE = {"connection": "close"}  # or else the rest of the body would still be read


class BodyLimit:
    """Bounds the bytes of a body, and the time in which it has to come."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._limits.body:
            message = f"the body is larger than {self._limits.body:,} bytes"
            error = ApiError(413, message, code="too_large", headers=_CLOSE)
            await refuse(error, scope, receive, send)
            return
        await self._app(scope, _Bounded(receive, self._limits), send)


class _Bounded:
    """``receive`` for one request."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._size = 0
        self._deadline = monotonic() + limits.body_seconds
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:  # what comes now is that the client leaves, at any time
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - monotonic()):
                message = await self._receive()
        except TimeoutError:
            told = f"the body did not come within {self._limits.body_seconds:g} s"
            raise HTTPException(408, told, headers=_CLOSE) from None
        self._size += len(message.get("body", b""))
        if self._size > self._limits.body:
            told = f"the body is larger than {self._limits.body:,} bytes"
            raise HTTPException(413, told, headers=_CLOSE)
        self._complete = not message.get("more_body", False)
        return message
