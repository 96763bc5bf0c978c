"""Whether the server lives, and whether it draws."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from c2l.web.connection import engine_of

router = APIRouter(tags=["health"])

_STATUS = {"application/json": {"example": {"status": "loading"}}}


@router.get("/healthz", summary="Whether the server lives")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz",
    summary="Whether the server draws",
    responses={503: {"description": "It loads, or stops", "content": _STATUS}},
)
async def readyz(request: Request) -> JSONResponse:
    """200 if a request would be drawn now; 503 while it loads, and when it stops."""
    status = engine_of(request).status()
    said = "ready" if status.ready else "stopping" if status.draining else "loading"
    return JSONResponse({"status": said}, 200 if status.ready else 503)
