"""A process that shows a live picture: a socket for viewers, and uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

from c2l.web.live.app import create_live_app
from c2l.web.live.show import Show
from c2l.web.running import Server, listen
from c2l.web.settings import Settings

_ON_THE_WAY = 128 << 10
"""Bytes that the system may hold back for a slow viewer: what is in there is an old picture."""

_PATIENCE = 2
"""Seconds for viewers to go, in the end."""


def run_show(
    make_show: Callable[[], Show], settings: Settings, *, on_ready: Callable[[str, int], None]
) -> None:
    """Show a live picture until SIGTERM or Ctrl-C.

    Args:
        make_show: called once the port for viewers is had.
        on_ready: called with the address for viewers, and the port for messages.
    Raises:
        BadInput: a port is taken, or is not allowed.
        As ``make_show``.
    """
    with listen(settings) as bound:
        # Connections inherit it from the socket that accepts them.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ON_THE_WAY)
        show = make_show()
        server_of(show, settings, lambda url: on_ready(url, show.osc.port)).run([bound])


def server_of(show: Show, settings: Settings, on_ready: Callable[[str], None]) -> Server:
    """The server of a show. It takes the socket that it serves when it runs."""
    settings = replace(settings, limits=replace(settings.limits, seconds=_PATIENCE))
    return Server(create_live_app(show, settings), show, settings, on_ready)
