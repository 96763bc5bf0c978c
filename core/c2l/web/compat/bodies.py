"""What a client sent, JSON or a form, as fields and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from c2l.errors import BadInput
from c2l.web.strict_json import loads_strictly

_MOST_FILES = 32
_MOST_FIELDS = 200

SomeBody = TypeVar("SomeBody", bound=BaseModel)


@dataclass(frozen=True)
class Sent:
    """The body of a request.

    Args:
        fields: values by name; a list where a name came several times, or with brackets.
        files: the bytes of each file that came as one, by the name of its field.
    """

    fields: Mapping[str, Any]
    files: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


async def read_body(request: Request) -> Sent:
    """Read JSON, or a form where it says so.

    Raises:
        ApiError, BadInput: it is no JSON, or no object.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _read_form(request)
    return Sent(json_object(await request.body()))


def json_object(data: bytes) -> dict[str, Any]:
    """The object in a body. Raises ``ApiError``, ``BadInput``."""
    value = loads_strictly(data)
    if not isinstance(value, dict):
        raise BadInput("the body is not a JSON object", hint='Send one, as in {"prompt": "a man"}')
    return value


async def _read_form(request: Request) -> Sent:
    values: dict[str, list[Any]] = {}
    files: dict[str, list[bytes]] = {}
    lists: set[str] = set()
    async with request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
        for written, value in form.multi_items():
            name, bracket, _ = written.partition("[")  # as in seeds[] and image[0]
            if bracket:
                lists.add(name)
            if isinstance(value, UploadFile):
                files.setdefault(name, []).append(await value.read())
            else:
                values.setdefault(name, []).append(value)
    fields = {
        name: several if len(several) > 1 or name in lists else several[0]
        for name, several in values.items()
    }
    return Sent(fields, {name: tuple(data) for name, data in files.items()})


def checked(body: type[SomeBody], fields: Mapping[str, Any]) -> SomeBody:
    """Fields as a body of a known shape.

    Raises:
        RequestValidationError: as FastAPI raises it of the bodies that it reads itself.
    """
    try:
        return body(**fields)
    except ValidationError as error:
        problems = [{**p, "loc": ("body", *p["loc"])} for p in error.errors(include_url=False)]
        raise RequestValidationError(problems, body=None) from error
