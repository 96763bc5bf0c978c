"""A server of the demo for tests: once for all of them, on a port of its own, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx2
    from fastapi import APIRouter, FastAPI

    from c2l.web.engine import Engine
    from c2l.web.offer import Offer

RECIPES = ("demo-faces", "demo-landscapes")


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Args:
        url: without a slash at its end.
        app, engine: for a look at what is inside.
    """

    url: str
    app: FastAPI
    engine: Engine

    def client(self, **headers: str) -> httpx2.Client:
        """A client of its own, for another thread say; close it, or use it in a ``with``."""
        import httpx2

        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def serving(
    engine: Engine | None = None,
    offer: Offer | None = None,
    routers: Sequence[APIRouter] = (),
    **settings: Any,
) -> Iterator[Served]:
    """Serve in a thread.

    Args:
        engine, offer: in place of one that draws, and of the demo's recipes.
        routers: besides those of the app.
        settings: as of ``Settings``.
    """
    # Not above: every test loads this file.
    from c2l.web.app import create_app
    from c2l.web.engine import LocalEngine
    from c2l.web.offer import offer_of
    from c2l.web.running import Server, address_of, listen
    from c2l.web.settings import Settings

    told = Settings(**{"port": 0, "recipes": RECIPES, "device": "cpu", **settings})
    offer = offer or offer_of(tuple(told.recipes))
    engine = engine or LocalEngine(offer, told)
    app = create_app(engine, offer, told)
    for router in routers:
        app.include_router(router)
    ready = threading.Event()
    with listen(told) as bound:
        server = Server(app, engine, told, lambda address: ready.set())
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        while not ready.wait(0.1):
            assert thread.is_alive(), "the server did not start"
        try:
            yield Served(address_of(bound), app, engine)
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """A server of both demo recipes, shared by all tests: leave it as it is."""
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def client(served: Served) -> Iterator[httpx2.Client]:
    """Its client."""
    with served.client() as found:
        yield found
