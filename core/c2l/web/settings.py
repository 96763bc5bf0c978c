"""What a server is told when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What strangers may ask for, and how much of it at once.

    Args:
        pictures: of one request.
        batch: pictures drawn at once for several clients.
        waiting: pictures of all requests that wait; what comes on top of them is refused.
        per_client: requests of one client at once, waiting or drawn.
        prompt: characters of a prompt.
        body: bytes of a request.
        seconds: a request may take, waiting included.
        body_seconds: a client may take to send its request.
        loaded: recipes kept in memory.
        idle_seconds: after which an unused recipe gives its memory back; 0 for never.
    """

    pictures: int = 64
    batch: int = 16
    waiting: int = 256
    per_client: int = 16
    prompt: int = 2_000
    body: int = 32 << 20
    seconds: float = 120.0
    body_seconds: float = 30.0
    loaded: int = 2
    idle_seconds: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Args:
        host, port: where; port 0 is any that is free.
        token: what clients have to show; empty for none.
        recipes: that are offered, the first by default; empty for all whose weights are here.
        device, precision: as of ``Request``.
        origins: of other pages that may call this server from a browser.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = field(default="", repr=False)
    recipes: Sequence[str] = ()
    device: str = "auto"
    precision: str = "float32"
    origins: Sequence[str] = ()
    limits: Limits = Limits()


def typed_settings(**fields: Any) -> Settings:
    """Settings as people type them.

    Raises:
        BadInput: a value is out of range, or a host that others can reach has no token.
    """
    return Settings(**fields)
