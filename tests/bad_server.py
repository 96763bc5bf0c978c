"""A web server on loopback that behaves as badly as servers do."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 120.0
"""Seconds; more than any client of a test waits, on however busy a machine."""


@dataclass
class Served:
    """How one address behaves.

    Args:
        data: the file.
        cuts: break off after so many bytes of an answer, one entry for each answer; then no more.
        stalls: as ``cuts``, but falls silent and leaves the connection open.
        gate: answers wait here for one another before they send anything.
        status: another answer than 200 or 206.
        length: the Content-Length to claim, whatever is sent.
        redirect: send the client here.
        ranges: whether it knows ranges.
        tagged: whether it says an ETag.
        honest: whether it heeds If-Range.
        changes_to: replaces ``data`` after the first answer.
        kind: the Content-Type.
        pause: seconds between two pieces.
    """

    data: bytes = b""
    cuts: list[int] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    gate: threading.Barrier | None = None
    status: int = 200
    length: int | None = None
    redirect: str = ""
    ranges: bool = True
    tagged: bool = True
    honest: bool = True
    changes_to: bytes | None = None
    kind: str = "application/octet-stream"
    pause: float = 0.0
    asked: list[str] = field(default_factory=list)
    """The Range of every request, empty where there was none."""
    sent: int = 0


class BadServer:
    """``server.add("/a", data=...)`` gives the address of a file."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.files: dict[str, Served] = {}

    def add(self, path: str, data: bytes = b"", **behaviour: object) -> str:
        self.files[path] = Served(data, **behaviour)  # type: ignore[arg-type]
        return self.base + path

    def __getitem__(self, path: str) -> Served:
        return self.files[path]


@contextmanager
def bad_server() -> Iterator[BadServer]:
    """Serve on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    site = BadServer(f"http://127.0.0.1:{server.server_address[1]}")
    server.site = site  # type: ignore[attr-defined]
    server.closing = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield site
    finally:
        server.closing.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        file = self.server.site.files.get(self.path)  # type: ignore[attr-defined]
        if file is None:
            self.send_error(404)
            return
        wanted = self.headers.get("Range", "")
        if self.command == "GET":
            file.asked.append(wanted)
        if file.redirect:
            self.send_response(302)
            self.send_header("Location", file.redirect)
            self.end_headers()
            return
        if file.status != 200:
            self.send_error(file.status)
            return
        data, tag = file.data, f'"{hashlib.md5(file.data).hexdigest()}"'
        start = 0
        if wanted and file.ranges:
            mark = self.headers.get("If-Range")
            if not (file.honest and mark is not None and mark != tag):
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if file.tagged:
            self.send_header("ETag", tag)
        self.send_header("X-Repo-Commit", "0" * 40)  # what the Hub's own client looks for
        self.send_header("Content-Type", file.kind)
        self.send_header("Content-Length", str(file.length or len(data) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if file.changes_to is not None:
            file.data, file.changes_to = file.changes_to, None
        self._send(file, data[start:])

    def _send(self, file: Served, data: bytes) -> None:
        cut = file.cuts.pop(0) if file.cuts else None
        stall = None if cut is not None or not file.stalls else file.stalls.pop(0)
        end = min(len(data), *(n for n in (cut, stall) if n is not None), len(data))
        if file.gate is not None:
            file.gate.wait(PATIENCE)
        for at in range(0, end, 1 << 16):
            piece = data[at : min(at + (1 << 16), end)]
            try:
                self.wfile.write(piece)
            except OSError:
                return
            file.sent += len(piece)
            time.sleep(file.pause)
        if stall is not None:
            self.server.closing.wait(PATIENCE)  # type: ignore[attr-defined]
        self.close_connection = True
