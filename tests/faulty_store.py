"""An S3 that fails as real ones do: moto's, behind a door that spoils some of its answers."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

BUCKET = "bucket"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIA0000EXAMPLE00000",
    "AWS_SECRET_ACCESS_KEY": "secret/with+slashes/EXAMPLE",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",  # what c2l does is tested, not what botocore does
}

Chooser = Callable[[str, str], str]
"""From a method and a path to a fault; empty for none."""


def no_faults(method: str, path: str) -> str:
    return ""


class FaultyStore:
    """A WSGI app. ``choose`` says what goes wrong with a request; ``seen`` counts what did.

    ``error``: 500, and nothing is done. ``late_error``: it is done, and the answer is 500.
    ``busy``: 503 SlowDown. ``slow``: half a tenth of a second. ``cut_off``: half of an answer, and
    the connection ends. ``short``: half of an answer, as if that were all. ``expired``: the keys
    have expired. ``denied``: 403.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        self.choose: Chooser = no_faults
        self.seen: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        fault = self.choose(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        self.seen[fault] += 1
        if fault == "slow":
            time.sleep(0.05)
        if fault in _REFUSALS:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _refuse(environ, start, *_REFUSALS[fault])
        said: list[Any] = []
        body = b"".join(self._app(environ, lambda *answer, **_: said.extend(answer[:2])))
        if fault == "late_error":
            return _refuse(environ, start, "500 Internal Server Error", "InternalError", "")
        status, headers = said
        if fault in {"cut_off", "short"} and environ["REQUEST_METHOD"] == "GET":
            half = body[: len(body) // 2]
            length = len(half) if fault == "short" else len(body)
            headers = [(n, v) for n, v in headers if n.lower() not in _ABOUT_LENGTH]
            headers.append(("Content-Length", str(length)))
            body = half
        start(status, headers)
        return [body]


_ABOUT_LENGTH = {"content-length", "content-range"}
_REFUSALS = {
    "error": ("500 Internal Server Error", "InternalError", "We encountered an internal error."),
    "busy": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "expired": ("400 Bad Request", "ExpiredToken", "The provided token has expired."),
    "denied": ("403 Forbidden", "AccessDenied", "Access Denied"),
}


def _refuse(
    environ: dict[str, Any], start: Callable[..., Any], status: str, code: str, message: str
) -> list[bytes]:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def at_random(seed: int, share: float) -> Chooser:
    """Faults that a store recovers from, in ``share`` of all requests."""
    rng, lock = random.Random(seed), threading.Lock()
    faults = ("error", "late_error", "busy", "slow", "cut_off", "short")

    def choose(method: str, path: str) -> str:
        with lock:
            return rng.choice(faults) if rng.random() < share else ""

    return choose


@contextmanager
def faulty_store() -> Iterator[tuple[FaultyStore, str]]:
    """A store with one empty bucket, and its address."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = FaultyStore()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
