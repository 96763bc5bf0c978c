"""A server process: a socket, an engine, and uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Protocol

import uvicorn

from c2l.errors import BadInput
from c2l.web.app import create_app
from c2l.web.engine import LocalEngine
from c2l.web.offer import offer_of
from c2l.web.settings import Settings


class Drains(Protocol):
    """Something that is told when the server stops: an engine."""

    def begin_draining(self) -> None:
        """Take nothing more."""


class Server(uvicorn.Server):
    """uvicorn, with an engine that is told as soon as it shall stop.

    Args:
        on_ready: called with the address once the server answers.
    """

    def __init__(
        self, config: uvicorn.Config, engine: Drains, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._engine = engine
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._on_ready(address_of(sockets[0]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._engine.begin_draining()
        await super().shutdown(sockets)


def serve(settings: Settings, *, on_ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        on_ready: called with the server's address once it answers.
    Raises:
        BadInput: the port is taken, or is not allowed.
        UnknownReference, NotDownloaded: as ``offer_of``.
    """
    offer = offer_of(tuple(settings.recipes))
    bound = listen(settings)
    engine = LocalEngine(offer, settings)
    config = uvicorn.Config(
        create_app(engine, offer, settings),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=int(settings.limits.seconds),
    )
    with bound:
        Server(config, engine, on_ready).run([bound])


def address_of(bound: socket.socket) -> str:
    """``http://127.0.0.1:8000``."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(settings: Settings) -> socket.socket:
    """A socket of the server. Raises ``BadInput`` if the address cannot be had."""
    try:
        return socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=1024,
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(
            f"cannot serve on {settings.host} port {settings.port}: {reason}",
            hint="Use another `port`, or `port=0` for one that is free",
            field="port",
        ) from error
