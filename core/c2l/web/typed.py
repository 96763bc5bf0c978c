"""Settings of a server as people type them. Light: the command line imports it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from c2l.errors import BadInput, NotReadable
from c2l.web.settings import LOOPBACK, Limits, Replicas, Settings, is_loopback

TOKEN = "C2L_TOKEN"
SHORTEST_TOKEN = 8
ENGINES = ("local", "ray")
MOST_REPLICAS = 1000


def typed_settings(
    *,
    host: str = LOOPBACK,
    port: int = 8000,
    token: str | None = None,
    token_file: Path | None = None,
    recipes: Sequence[str] | None = None,
    device: str = "auto",
    precision: str | None = None,
    origins: Sequence[str] | None = None,
    proxies: Sequence[str] | None = None,
    batch: int = Limits.batch,
    waiting: int = Limits.waiting,
    seconds: float = Limits.seconds,
    loaded: int = Limits.loaded,
    idle: float = Limits.idle_seconds,
    engine: str = "local",
    replicas: str | None = None,
) -> Settings:
    """Settings as people type them.

    Args:
        token: or the file that holds it; or else the environment variable ``C2L_TOKEN``.
        idle: minutes after which memory is given back.
        engine: ``local`` or ``ray``.
        replicas: of Ray, as ``2``, or as ``1-4`` to follow the load.
    Raises:
        BadInput: a value is out of range, or there is no token though others can reach the host.
        NotReadable: the token's file.
    """
    found = _token(token, token_file)
    if not found and not is_loopback(host):
        raise BadInput(
            f"others can reach {host}, so clients need a token",
            hint=f"Give `token`, `token_file` or the variable {TOKEN}; or use `host={LOOPBACK}`",
            field="token",
        )
    numbers = {"batch": batch, "waiting": waiting, "seconds": seconds, "loaded": loaded,
               "idle": idle, "port": port}  # fmt: skip
    for name, value in numbers.items():
        least = 0 if name in ("idle", "port") else 1
        if not least <= value < 2**31:
            raise BadInput(
                f"`{name}={value}` is out of range",
                hint=f"Use `{name}={least}` or more",
                field=name,
            )
    for origin in origins or ():
        _check_origin(origin)
    return Settings(
        host=host,
        port=port,
        token=found,
        recipes=tuple(recipes or ()),
        device=device,
        precision=precision or "float32",
        origins=tuple(origins or ()),
        proxies=tuple(proxies or ()),
        replicas=_replicas(engine, replicas),
        limits=Limits(
            batch=batch, waiting=waiting, seconds=seconds, loaded=loaded, idle_seconds=idle * 60
        ),
    )


def _token(given: str | None, file: Path | None) -> str:
    if given is not None and file is not None:
        raise BadInput("both `token` and `token_file` are given", hint="Give one", field="token")
    token, where = given, "token"
    if file is not None:
        where = "token_file"
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise NotReadable(
                f"cannot read {file}: {reason}", hint="Check the path", field=where
            ) from error
    elif token is None:
        token, where = os.environ.get(TOKEN) or None, "token"
    if token is None:
        return ""
    if len(token) < SHORTEST_TOKEN or not token.isprintable() or not token.isascii():
        raise BadInput(
            f"this token is too weak: use {SHORTEST_TOKEN} or more printable characters of ASCII",
            hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
            field=where,
        )
    return token


def _replicas(engine: str, typed: str | None) -> Replicas | None:
    if engine not in ENGINES:
        raise BadInput(f"there is no engine '{engine}'", hint="Use `engine=local` or `engine=ray`",
                       field="engine")  # fmt: skip
    if engine == "local":
        if typed is not None:
            raise BadInput("replicas need the engine ray", hint="Give `engine=ray` as well",
                           field="replicas")  # fmt: skip
        return None
    least, dash, most = ("1" if typed is None else typed).partition("-")
    if least.isdecimal() and (most.isdecimal() if dash else True):
        found = Replicas(int(least), int(most) if dash else int(least))
        if 1 <= found.least <= found.most <= MOST_REPLICAS:
            return found
    raise BadInput(
        f"`replicas={typed}` is not a number of replicas",
        hint=f"Use `replicas=2`, or `replicas=1-4` to follow the load; {MOST_REPLICAS} at most",
        field="replicas",
    )


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    whole = parts.scheme in ("http", "https") and parts.netloc and parts.path in ("", "/")
    if origin != "*" and not (whole and not parts.query and "@" not in parts.netloc):
        raise BadInput(
            f"'{origin}' is not the origin of a page", hint="Write it as in `origins=https://example.org`",
            field="origins",
        )  # fmt: skip
