"""What a server is told when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Limits:
    """What strangers may ask for, and how much of it at once.

    Args:
        pictures: of one request; also texts, and pictures that it brings.
        candidates: of all pictures of one request.
        steps: of a prior.
        optimise: steps of gradient descent, of all pictures of one request.
        prompt: characters of a text.
        body: bytes of a request.
        body_seconds: in which a client has to send its request, once it has begun.
        header_seconds: in which it has to begin.
        batch: pictures drawn at once, for whoever waits.
        waiting: pictures of all requests that wait; what comes on top of them is refused.
        per_client: requests of one client at once, waiting or carried out.
        seconds: for one request, waiting included.
        loaded: recipes kept in memory.
        idle_seconds: after which a server that nobody uses gives all memory back; 0 for never.
    """

    pictures: int = 64
    candidates: int = 1_024
    steps: int = 250
    optimise: int = 400
    prompt: int = 2_000
    body: int = 32 << 20
    body_seconds: float = 30.0
    header_seconds: float = 10.0
    batch: int = 32
    waiting: int = 256
    per_client: int = 32
    seconds: float = 120.0
    loaded: int = 2
    idle_seconds: float = 0.0


@dataclass(frozen=True)
class Replicas:
    """How many processes draw, under Ray Serve.

    Args:
        least: always.
        most: when there is much to do.
    """

    least: int
    most: int


@dataclass(frozen=True)
class Settings:
    """How to serve.

    Args:
        host, port: where; port 0 is any that is free.
        token: what clients have to show; empty for none.
        recipes: that are offered, the first by default; empty for all whose weights are here.
        device, precision: as in ``Request``.
        origins: of pages elsewhere that may use this server from a browser; ``*`` is all.
        proxies: addresses of reverse proxies, which may say whom they ask for.
        replicas: that draw in place of this process; None for this process.
    """

    host: str = LOOPBACK
    port: int = 8000
    token: str = field(default="", repr=False)
    recipes: Sequence[str] = ()
    device: str = "auto"
    precision: str = "float32"
    origins: Sequence[str] = ()
    proxies: Sequence[str] = ()
    replicas: Replicas | None = None
    limits: Limits = Limits()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as only it can reach it."""
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
