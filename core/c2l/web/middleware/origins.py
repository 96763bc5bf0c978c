"""Web pages of others: they may not use a visitor's browser to reach this server."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from c2l.web.errors import ApiError
from c2l.web.middleware.refusing import refuse
from c2l.web.settings import is_loopback


class KnownOrigins:
    """Refuses what a page of another host sends.

    CORS only keeps such a page from reading answers; it would still draw, and open WebSockets.
    Whatever is no browser sends no origin.

    Args:
        allowed: origins of other pages, as ``https://example.org``; ``*`` is all.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            origin = headers.get("origin", "").lower()
            if origin and not self._may(origin, headers.get("host", "").lower()):
                error = ApiError(
                    403,
                    "pages of other origins may not use this server; it can be started with "
                    "`origin` to allow one",
                    code="foreign_origin",
                )
                await refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _may(self, origin: str, host: str) -> bool:
        if self._allowed & {origin, "*"}:
            return True
        return origin.partition("://")[2] == host


class KnownHosts:
    """Refuses names of this machine that it does not know, where no token guards it.

    A name that a stranger owns may lead to 127.0.0.1: his page would count as one of this server
    (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            host = Headers(scope=scope).get("host", "")
            if not is_loopback(_name(host)):
                error = ApiError(
                    403,
                    f"this server answers to localhost alone, and not to {host!a:.80}; "
                    "for other names it needs a `token`",
                    code="unknown_host",
                )
                await refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name(host: str) -> str:
    """A ``Host`` header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
