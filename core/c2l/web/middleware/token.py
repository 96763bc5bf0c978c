"""The token that clients have to show."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from c2l.web.errors import ApiError
from c2l.web.middleware.refusing import refuse

_OPEN = ("/healthz", "/readyz", "/")
"""Whoever looks whether the server lives has no token, and learns nothing else there. The page is
the same on every server, and asks for the token itself."""

PAGE = "/page/"
"""Below it lie the page's files."""

PICTURES = "/v1/pictures/"
"""Below it the name of a picture is a key itself: whoever opens its address has been given it."""

_SUBPROTOCOL = "token."


class NeedsToken:
    """Refuses requests without the token.

    It comes as ``Authorization: Bearer TOKEN``; as the password of ``Basic``, for browsers and
    clients of A1111; or, for WebSockets of browsers, which cannot set headers, as a subprotocol:
    ``token.`` and the token in base64url.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._digest = _digest(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_open(scope) or self._is_shown(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            error = ApiError(
                401,
                "the token is missing or wrong; send it as `Authorization: Bearer TOKEN`",
                code="invalid_api_key",
                headers={"www-authenticate": 'Basic realm="c2l", charset="UTF-8"'},
            )
            await refuse(error, scope, receive, send)

    def _is_shown(self, headers: Headers) -> bool:
        shown = [hmac.compare_digest(_digest(text), self._digest) for text in _shown(headers)]
        return any(shown)


def _is_open(scope: Scope) -> bool:
    if scope["type"] not in ("http", "websocket"):
        return True
    return scope["path"] in _OPEN or scope["path"].startswith((PICTURES, PAGE))


def _digest(text: str) -> bytes:
    """Of one length, so that not even that of the token can be measured."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _shown(headers: Headers) -> Iterator[str]:
    """Whatever a request shows as a token."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield rest.strip()
    elif scheme.lower() == "basic":
        whole = _decoded(rest.strip())
        yield whole
        yield whole.partition(":")[2]
    for name in headers.get("sec-websocket-protocol", "").split(","):
        if name.strip().startswith(_SUBPROTOCOL):
            yield _decoded(name.strip().removeprefix(_SUBPROTOCOL))


def _decoded(text: str) -> str:
    """Base64 of either alphabet, with or without padding; empty if it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/")).decode()
    except (binascii.Error, ValueError):
        return ""
