"""A server process: a socket, an engine, and uvicorn."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from c2l.errors import BadInput
from c2l.web.app import create_app
from c2l.web.engine import LocalEngine
from c2l.web.engine.engine import Engine, Running
from c2l.web.offer import Offer, offer_of
from c2l.web.protocol import BoundedProtocol
from c2l.web.settings import Settings

_ANOTHER_PORT = "Use another `port`, or `port=0` for one that is free"


class Server(uvicorn.Server):
    """uvicorn, with an engine that is told as soon as it should stop.

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
        protocol = type("Protocol", (BoundedProtocol,), {"header_seconds": limits.header_seconds})
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
                ws_max_size=limits.body,
                timeout_graceful_shutdown=int(limits.seconds),
            )
        )
        self._app = app
        self._engine = engine
        self._on_ready = on_ready

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM, which is a good end, or Ctrl-C, which interrupts as usual."""
        if threading.current_thread() is not threading.main_thread():
            super().run(sockets)
            return
        # uvicorn notes signals, and in the end sends them again, to whoever heeded them before.
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            super().run(sockets)
        finally:
            signal.signal(signal.SIGTERM, before)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        uvicorn_log = logging.getLogger("uvicorn.error")
        before = uvicorn_log.level
        uvicorn_log.setLevel(logging.CRITICAL)  # it would print the trace of what is raised below
        try:
            await super().startup(sockets)
        except SystemExit as stop:  # uvicorn drops the reason
            raise getattr(self._app.state, "failure", stop) from None
        finally:
            uvicorn_log.setLevel(before)
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
        BadInput: as ``listen``.
        UnknownReference, NotDownloaded: as ``offer_of``.
        C2LError: the first recipe cannot be loaded.
    """
    with listen(settings) as bound:
        offer = offer_of(tuple(settings.recipes))
        engine = engine_of(offer, settings)
        log_to_stderr()
        Server(create_app(engine, offer, settings), engine, settings, on_ready).run([bound])


def engine_of(offer: Offer, settings: Settings) -> Engine:
    """The engine that settings ask for."""
    if settings.replicas is None:
        return LocalEngine(offer, settings)
    from c2l.web.engine.ray_serve.engine import RayEngine

    return RayEngine(offer, settings)


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
    """A socket of the server; who connects before it serves has to wait.

    Raises:
        BadInput: there is no such address, or its port is taken or not allowed.
    """
    try:
        return socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=1024,
        )
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (while ")[0]
        number = getattr(error, "errno", None) or 0
        no_host = number < 0 or number == errno.EADDRNOTAVAIL  # below 0: no such name
        hint = "Use an address of this machine with `host`" if no_host else _ANOTHER_PORT
        raise BadInput(
            f"cannot serve on {settings.host} port {settings.port}: {reason}",
            hint=hint,
            field="host" if no_host else "port",
        ) from error
