"""The app: routes, what stands in front of them, and the engine behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from c2l.version import __version__
from c2l.web import a1111, api, health, openai, page
from c2l.web.engine.engine import Engine
from c2l.web.errors import add_handlers
from c2l.web.metrics import Metrics
from c2l.web.middleware import stand_in_front
from c2l.web.offer import Offer
from c2l.web.openapi import describe_errors
from c2l.web.settings import Settings


def create_app(engine: Engine, offer: Offer, settings: Settings) -> FastAPI:
    """The service as an ASGI app. It starts the engine, and closes it in the end.

    Args:
        offer: the recipes that clients may name, those of the engine.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            await engine.start()
        except BaseException as error:
            app.state.failure = error
            raise
        yield
        await engine.close()

    app = FastAPI(
        title="c2l",
        description="Text-driven sampling for any pretrained GAN.",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # its page comes from another host
        redoc_url=None,
    )
    app.state.engine, app.state.offer, app.state.settings = engine, offer, settings
    add_handlers(app)
    app.include_router(health.router)
    metrics = Metrics(engine)
    app.include_router(metrics.router())
    app.include_router(api.router)
    openai.add_to(app)
    a1111.add_to(app)
    app.include_router(page.router)
    describe_errors(app)
    stand_in_front(app, settings, metrics)
    return app
