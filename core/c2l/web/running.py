"""A server process: a socket, an engine, and uvicorn."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from c2l.errors import BadInput
from c2l.web.app import create_app
from c2l.web.engine import LocalEngine
from c2l.web.engine.engine import Running
from c2l.web.offer import offer_of
from c2l.web.patience import ImpatientProtocol
from c2l.web.settings import Settings


class Server(uvicorn.Server):
    """uvicorn, with an engine that is told as soon as it shall stop.

    Args:
        on_ready: called with the address once the server answers.
    """

    def __init__(
        self,
        app: FastAPI,
        engine: Running,
        settings: Settings,
        on_ready: Callable[[str], None],
    ) -> None:
        limits = settings.limits
        protocol = type("Protocol", (ImpatientProtocol,), {"header_seconds": limits.header_seconds})
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                timeout_graceful_shutdown=int(limits.seconds),
            )
        )
        self._app = app
        self._engine = engine
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn drops the reason
            raise self._app.state.failure from None
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
        C2LError: the first recipe cannot be loaded.
    """
    bound = listen(settings)
    offer = offer_of(tuple(settings.recipes))
    engine = LocalEngine(offer, settings)
    log_to_stderr()
    server = Server(create_app(engine, offer, settings), engine, settings, on_ready)
    with bound:
        server.run([bound])


def log_to_stderr() -> None:
    """Let the server's own loggers write lines with the time to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    for name, level in (("c2l", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


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
