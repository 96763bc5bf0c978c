"""One shape for everything that goes wrong: ``{"error": {"message", "type", "param", "code"}}``.

It is the shape of OpenAI's API. Bad input is a 4xx, always: their client asks again after a 5xx.
A route raises, and catches nothing: ``C2LError``, ``Refused``, or ``ApiError`` for its own.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from c2l import service
from c2l.errors import (
    BadInput,
    BadPath,
    BadPicture,
    BadReference,
    C2LError,
    IncompatibleParts,
    LicenceNotAccepted,
    NotDownloaded,
    UnknownReference,
    as_out_of_memory,
)
from c2l.web.engine.refusals import Busy, Draining, Full, Lost, Refused, TookTooLong

log = logging.getLogger("c2l.web")

_NO_FIELDS = {"body", "query", "path", "str", "int", "float", "bool", "dict", "list"}

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

_HTTP_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
}

_MISSING = (UnknownReference, NotDownloaded, LicenceNotAccepted)
_BAD = (BadInput, BadPicture, BadPath, BadReference, IncompatibleParts)

_REFUSALS: Mapping[type[Refused], tuple[int, str]] = {
    Full: (429, "queue_full"),
    Busy: (429, "too_many_requests"),
    Draining: (503, "stopping"),
    TookTooLong: (503, "timeout"),
    Lost: (503, "replica_lost"),
}


class ApiError(Exception):
    """An error of a route itself.

    Args:
        status: 4xx for what the client did.
        message: a sentence or two; fields in backquotes.
        param: the field at fault.
        code: for programs to tell errors apart.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = dict(headers or {})


def as_api_error(error: Exception) -> ApiError:
    """Any error as one of the API."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, C2LError):
        return _of_c2l(error)
    if isinstance(error, Refused):
        return _of_refusal(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        code = _HTTP_CODES.get(error.status_code)
        return ApiError(error.status_code, str(error.detail), code=code, headers=error.headers)
    if full := as_out_of_memory(error):
        return ApiError(500, str(full), code="out_of_memory")
    return ApiError(500, "this is a defect of c2l; its log tells more", code="internal")


def answer_error(error: Exception) -> JSONResponse:
    """The answer to an error, in the one shape."""
    found = as_api_error(error)
    if found.code in ("part_failed", "internal", "out_of_memory"):
        log.error("%s", error, exc_info=error if found.code == "internal" else None)
    return JSONResponse({"error": error_detail(found)}, found.status, headers=found.headers)


def error_detail(found: ApiError) -> dict[str, str | None]:
    """What stands below ``error`` in the one shape."""
    kind = "server_error" if found.status >= 500 else "invalid_request_error"
    return {
        "message": found.message,
        "type": _TYPES.get(found.status, kind),
        "param": found.param,
        "code": found.code,
    }


def add_handlers(app: FastAPI) -> None:
    """Let the app answer every error in the one shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        return answer_error(error)

    for kind in (RequestValidationError, HTTPException, C2LError, Refused, ApiError, Exception):
        app.add_exception_handler(kind, answer)


def _of_c2l(error: C2LError) -> ApiError:
    param = error.field or None
    if isinstance(error, _MISSING):
        return ApiError(404, str(error), param=param, code="not_found")
    if isinstance(error, _BAD):
        return ApiError(400, str(error), param=param, code="bad_input")
    return ApiError(500, str(error), param=param, code="part_failed")


def _of_refusal(error: Refused) -> ApiError:
    status, code = _REFUSALS[type(error)]
    again = error.retry_after
    # OpenAI's clients know the second header: they would ask three times in vain.
    headers = {"retry-after": str(again)} if again is not None else {"x-should-retry": "false"}
    return ApiError(status, error.message, code=code, headers=headers)


def _of_validation(error: RequestValidationError) -> ApiError:
    found = error.errors()
    # Of what a value may be, it was meant for that in which the fault lies deepest.
    field = found[0]["loc"][:2]
    first: Mapping[str, Any] = max(
        (problem for problem in found if problem["loc"][:2] == field), key=lambda p: len(p["loc"])
    )
    if first["type"] == "json_invalid":
        return ApiError(400, "the body is not JSON", code="bad_json")
    param = ".".join(filter(_is_field, map(str, first["loc"]))) or None
    own = first.get("ctx", {}).get("error")
    if own is not None:  # of a validator of ours, whose words are complete
        hint = getattr(own, "hint", "")
        message = f"{own}. {hint}" if hint else str(own)
        param = getattr(own, "field", "") or param
    else:
        message = f"{f'`{param}`' if param else 'the body'} is {service.describe_problem(first)}"
    return ApiError(400, message, param=param, code="bad_input")


def _is_field(step: str) -> bool:
    """Whether a step on the way to a value is a field, and not the place or a branch of a type."""
    return (step.isidentifier() and step not in _NO_FIELDS) or step.isdecimal()
