"""The client of a request: who it is, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from starlette.requests import HTTPConnection, Request

from c2l.web.engine.engine import Engine
from c2l.web.errors import ApiError
from c2l.web.offer import Offer
from c2l.web.settings import Settings

T = TypeVar("T")


class ClientLeft(ApiError):
    """The client closed the connection; nobody reads this answer."""

    def __init__(self) -> None:
        super().__init__(499, "the client left", code="client_left")


async def while_connected(request: Request, coroutine: Coroutine[Any, Any, T]) -> T:
    """Await something as long as the client is there; it is cancelled when the client leaves.

    For a request whose body was read. FastAPI does not cancel a route by itself.

    Raises:
        ClientLeft: it left.
        As ``coroutine``.
    """
    task = asyncio.ensure_future(coroutine)
    gone = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return await task
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def who_is(connection: HTTPConnection) -> str:
    """The client of a request or WebSocket, for taking turns: its address.

    It is what a reverse proxy says it is, if the server was started with that proxy's address.
    """
    return connection.client.host if connection.client else ""


def engine_of(connection: HTTPConnection) -> Engine:
    """The engine of the app that a request came to."""
    return cast(Engine, connection.app.state.engine)


def offer_of(connection: HTTPConnection) -> Offer:
    """The recipes that clients may name."""
    return cast(Offer, connection.app.state.offer)


def settings_of(connection: HTTPConnection) -> Settings:
    """How the server was started; its limits."""
    return cast(Settings, connection.app.state.settings)
