"""What the OpenAPI description says about every route: its errors, and an example of its answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What went wrong.

    Args:
        message: a sentence or two: what, and what to do.
        param: the field at fault, if it is one.
        code: for programs to tell errors apart.
    """

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorOut(BaseModel):
    """The one shape of everything that goes wrong."""

    error: ErrorDetail


_ERRORS = {
    400: ("A value or the body cannot be used", "`guidance`: input should be at least 0"),
    401: ("The token is missing or wrong", "the token is missing"),
    404: ("There is no such recipe", "there is no recipe 'x' here"),
    408: ("The request did not arrive in time", "the request did not arrive in time"),
    413: ("The body is too large", "the body is larger than 32 MB"),
    429: ("Too much waits; try again later", "the server has as much to do as it takes on"),
    500: ("A part of the recipe failed, or c2l itself", "this is a defect of c2l"),
    503: ("The server stops, or it took too long", "the server stops"),
}
_TYPES = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error",
          503: "server_error"}  # fmt: skip


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for ``responses=``; by default all that a drawing route has."""
    return {
        status: {
            "model": ErrorOut,
            "description": _ERRORS[status][0],
            "content": {"application/json": {"example": _example(status)}},
        }
        for status in statuses or _ERRORS
    }


def example(content: Any) -> dict[int | str, dict[str, Any]]:
    """An example of a good answer, for ``responses=``."""
    return {200: {"content": {"application/json": {"example": content}}}}


def _example(status: int) -> dict[str, Any]:
    kind = _TYPES.get(status, "invalid_request_error")
    detail = {"message": _ERRORS[status][1], "type": kind, "param": None, "code": None}
    return {"error": detail}


PICTURE = {
    "image": "iVBORw0KGgo…",
    "format": "png",
    "width": 128,
    "height": 128,
    "seed": 7,
    "prompt": "a happy man",
    "score": 0.2713,
    "record": {"schema": "c2l/2", "prompt": "a happy man", "seed": 7, "recipe": "demo-faces"},
    "latents": None,
}
PICTURES = {
    "pictures": [PICTURE],
    "far": False,
    "notices": [
        {
            "kind": "words",
            "text": "openclip:demo does not know 'zyxt'; drawing without it",
            "field": "prompt",
        }
    ],
    "timings": {"text": 3.1, "prior": 6.2, "synthesis": 9.0, "encoding": 2.0, "total": 25.1},
}
