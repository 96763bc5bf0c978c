"""The app of ``c2l live``: its routes, behind what stands in front of ``c2l serve``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from c2l.version import __version__
from c2l.web import health
from c2l.web.errors import add_handlers
from c2l.web.live.routes import live_router
from c2l.web.live.show import Show
from c2l.web.metrics import Metrics
from c2l.web.middleware import stand_in_front
from c2l.web.settings import Settings


def create_live_app(show: Show, settings: Settings) -> FastAPI:
    """An app that starts a show, and closes it in the end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        show.start()
        yield
        await asyncio.to_thread(show.close)

    app = FastAPI(
        title="c2l live",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.engine = show
    add_handlers(app)
    metrics = Metrics(show)
    app.include_router(live_router(show.newest))
    app.include_router(health.router)
    app.include_router(metrics.router())
    stand_in_front(app, settings, metrics)
    return app
