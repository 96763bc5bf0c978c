"""The OpenAPI description, as it is true here: bad input is answered 400, in the one shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from c2l.web.documented import ErrorOut, errors

_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def describe_errors(app: FastAPI) -> None:
    """Let the description of an app say what this app answers to bad input.

    FastAPI would say 422, with another shape. Routes that take nothing are left as they are.
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
    bad = {**errors(400)[400]}
    shape = ErrorOut.model_json_schema(ref_template="#/components/schemas/{model}")
    shapes.update(shape.pop("$defs"))
    shapes["ErrorOut"] = shape
    del bad["model"]
    bad["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/ErrorOut"}
    for operation in _operations(schema):
        if operation["responses"].pop("422", None) is not None:
            operation["responses"].setdefault("400", bad)


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        yield from (one for one in path.values() if isinstance(one, dict))
