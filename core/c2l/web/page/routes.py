"""Serves the page. Its files are read once, and lie compressed in memory: a hundred kilobytes."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

FILES = Path(__file__).parent / "files"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked about: an update is seen at once
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; media-src blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class PageFile:
    """A file as it is sent.

    Args:
        media_type: with its charset.
        plain, packed: its bytes, and those compressed.
        etag: changes with the bytes.
    """

    media_type: str
    plain: bytes
    packed: bytes
    etag: str


@cache
def page_files() -> dict[str, PageFile]:
    """All files by their paths; ``index.html`` names the modules that are to be fetched early."""
    found = {path.relative_to(FILES).as_posix(): path for path in sorted(FILES.rglob("*.*"))}
    return {name: _page_file(name, path, found) for name, path in found.items()}


def _page_file(name: str, path: Path, all_files: dict[str, Path]) -> PageFile:
    plain = path.read_bytes()
    if name == "index.html":
        # Otherwise the browser would find one module after the other, a round trip for each.
        early = "\n".join(
            f"<link rel=modulepreload href=page/{script}>"
            for script in all_files
            if script.endswith(".js")
        )
        plain = plain.replace(b"<!-- modules -->", early.encode())
    digest = hashlib.sha256(plain).hexdigest()[:20]
    return PageFile(_TYPES[path.suffix], plain, gzip.compress(plain, mtime=0), f'W/"{digest}"')


@router.api_route("/", methods=["GET", "HEAD"])
def page(request: Request) -> Response:
    """The page itself."""
    return _answer(request, "index.html")


@router.api_route("/page/{name:path}", methods=["GET", "HEAD"])
def page_file(request: Request, name: str) -> Response:
    """A style, a script or a picture of the page; nothing else is known, so no path leads out."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name)
    if file is None:
        raise HTTPException(404, "there is no such file")
    headers = {**_HEADERS, "ETag": file.etag}
    if file.etag in re.split(r"\s*,\s*", request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, media_type=file.media_type, headers=headers)
    return Response(file.plain, media_type=file.media_type, headers=headers)
