"""What stands in front of all routes. Pure ASGI: others hide that a client has left."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from c2l.web.metrics import Metrics
from c2l.web.middleware.access import Access
from c2l.web.middleware.body import BodyLimit
from c2l.web.middleware.farewell import Farewell
from c2l.web.middleware.headers import SafeHeaders
from c2l.web.middleware.origins import KnownHosts, KnownOrigins
from c2l.web.middleware.token import NeedsToken
from c2l.web.settings import Settings


def stand_in_front(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Put everything in front of an app; what is added last comes first."""
    app.add_middleware(BodyLimit, limits=settings.limits)
    if settings.token:
        app.add_middleware(NeedsToken, token=settings.token)
    else:
        app.add_middleware(KnownHosts)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["*"],
            allow_headers=["*"],
        )
    app.add_middleware(KnownOrigins, allowed=settings.origins)
    app.add_middleware(SafeHeaders)
    app.add_middleware(Farewell)
    app.add_middleware(Access, metrics=metrics)
