"""From a body to its answer: checked against the limits, carried out, encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from c2l.web.api.asked import Asked
from c2l.web.connection import engine_of, settings_of, while_connected, who_is
from c2l.web.engine import Answer, Work
from c2l.web.engine.engine import OnProgress
from c2l.web.limits import check_number
from c2l.web.settings import Limits

FILES = {"photo", "png", "data", "record", "records", "pictures", "safetensors", "latents"}
"""Fields that hold no text that is read; the size of the body limits them."""


async def answer_to(request: Request, body: Asked) -> Response:
    """The answer of a route whose body was read."""
    answer, milliseconds = await while_connected(request, carried_out(request, body))
    return await asyncio.to_thread(as_json, body, answer, milliseconds)


def as_json(body: Asked, answer: Answer, milliseconds: float) -> Response:
    """An answer as the client gets it. Takes milliseconds: call it in a thread."""
    told = body.answered(answer, milliseconds)
    return Response(told.model_dump_json(), media_type="application/json")


async def carried_out(
    connection: HTTPConnection, body: Asked, on_progress: OnProgress | None = None
) -> tuple[Answer, float]:
    """What came of a body's work, and the milliseconds that it took, waiting included."""
    work = await work_of(connection, body)
    start = perf_counter()
    answer = await engine_of(connection).do(work, who=who_is(connection), on_progress=on_progress)
    return answer, (perf_counter() - start) * 1000


async def work_of(connection: HTTPConnection, body: Asked) -> Work:
    """The work of a body.

    Raises:
        C2LError: it is too much for one request, or a value cannot be used.
    """
    limits = settings_of(connection).limits
    check_lengths(body, limits)
    work = await asyncio.to_thread(body.work)
    work.check(limits)
    return work


def check_lengths(body: Asked, limits: Limits) -> None:
    """Raises ``BadInput`` for a text that is longer than texts may be here."""
    for field, text in _texts("", body.model_dump(exclude=FILES)):
        check_number(len(text), limits.prompt, field, "characters")


def _texts(field: str, value: Any) -> Iterator[tuple[str, str]]:
    """All texts within a value, each with the field that holds it."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in FILES:
                yield from _texts(field or str(name), inner)
                yield from _texts(field or str(name), name)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(field, inner)
