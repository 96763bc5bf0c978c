"""One line of log for each request, a number for it, and its share of the metrics."""

from __future__ import annotations

import logging
import secrets
from itertools import count
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from c2l.web.errors import answer_error
from c2l.web.metrics import Metrics
from c2l.web.middleware.token import PICTURES

log = logging.getLogger("c2l.access")

_LONGEST = 200
_LEFT = 499
"""In logs and metrics: the client had gone before it was answered."""


class Access:
    """Comes first: whatever a route raises, it is answered and logged here at the latest.

    A line holds client, method, path, status, time and the request's number, which the answer has
    in ``x-request-id``. Neither headers nor queries nor bodies are logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._prefix = secrets.token_hex(3)  # not to be taken for another server's
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        number = f"{self._prefix}-{next(self._numbers)}"
        scope.setdefault("state", {})["request_id"] = number
        start, status = perf_counter(), _LEFT

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # Starlette raises again what it has answered
            if status == _LEFT and scope["type"] == "http":
                await answer_error(error)(scope, receive, noting)
        finally:
            spent = perf_counter() - start
            self._metrics.request(scope, status, spent)
            client = scope["client"][0] if scope.get("client") else "-"
            log.info(
                "%s %s %s %d %.0f ms %s",
                client,
                scope.get("method", "WEBSOCKET"),
                _path(scope),
                status,
                spent * 1000,
                number,
            )


def _path(scope: Scope) -> str:
    """The path as it came, in printable ASCII; of a picture that is kept not its name, the key."""
    if scope["path"].startswith(PICTURES):
        return f"{PICTURES}*"
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    text = raw.split(b"?")[0].decode("ascii", "backslashreplace")[:_LONGEST]
    return "".join(c if c.isprintable() else "?" for c in text)
