"""The OpenAPI description, as it is true here: bad input is answered 400, in the one shape."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from c2l.web.documented import ErrorOut, errors

_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")
_OPEN = ("/healthz", "/readyz")
"""Routes that refuse nothing."""


def describe_errors(app: FastAPI) -> None:
    """Let the description of an app say which errors its routes answer.

    What a route says of an error itself stays. FastAPI would say 422, with another shape.
    """
    describe = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            _correct(describe())
        return describe()

    app.openapi = described  # type: ignore[method-assign]


def _correct(schema: dict[str, Any]) -> None:
    shapes = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        shapes.pop(name, None)
    shape = ErrorOut.model_json_schema(ref_template="#/components/schemas/{model}")
    shapes.update(shape.pop("$defs"))
    shapes["ErrorOut"] = shape
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.pop("422", None)
            for status in _possible(path, method):
                answers.setdefault(str(status), _error(status))


def _possible(path: str, method: str) -> tuple[int, ...]:
    if path in _OPEN:
        return ()
    if method == "post":
        return (400, 401, 404, 408, 413, 429, 500, 503)
    return (400, 401, 404, 500) if "{" in path else (400, 401, 500)


def _error(status: int) -> dict[str, Any]:
    told = dict(errors(status)[status])
    del told["model"]
    told["content"] = {
        "application/json": {
            **told["content"]["application/json"],
            "schema": {"$ref": "#/components/schemas/ErrorOut"},
        }
    }
    return told
