"""Pictures as they come: partial ones, drawn in few steps, and then the whole ones."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from c2l.service import PlainPicture
from c2l.web.engine import Answer, Work
from c2l.web.errors import answer_error
from c2l.web.openai.answering import NO_USAGE, base64_of, facts_of, file_of
from c2l.web.openai.orders import Order
from c2l.web.openai.shapes import MOST_PARTIAL

_STEPS = (1, 2, 4)
"""Of partial pictures, the last ones first: each is twice as good, and twice as dear."""

_QUALITIES = ("low", "medium", "high", "xhigh", "max")

Do = Callable[[Work], Coroutine[Any, Any, Answer]]


def steps_of_partial(num: int, steps: int | None) -> Sequence[int]:
    """How many steps partial pictures take; none takes as many as the whole one.

    Args:
        num: of partial pictures.
        steps: of the whole ones; None where the recipe decides.
    """
    return [s for s in _STEPS[MOST_PARTIAL - num :] if steps is None or s < steps]


async def events(
    order: Order[Any], name: str, first: Answer, rest: Sequence[Work], do: Do
) -> AsyncIterator[str]:
    """Server-sent events: partial pictures, and then the whole ones.

    Args:
        name: that those of the events begin with.
        first: the answer to the first work.
        rest: the works after it, the whole pictures last.
        do: carries out a work.
    """
    try:
        answer = first
        for index, work in enumerate(rest):
            for picture in answer.pictures:
                own = {"partial_image_index": index}
                yield await _event(order, f"{name}.partial_image", answer, picture, own)
            answer = await do(work)
        for picture in answer.pictures:
            yield await _event(order, f"{name}.completed", answer, picture, {"usage": NO_USAGE})
    except Exception as error:  # the answer has begun: its status cannot tell any more
        yield _written("error", json.loads(bytes(answer_error(error).body)))


async def _event(
    order: Order[Any], kind: str, answer: Answer, picture: PlainPicture, own: dict[str, Any]
) -> str:
    file = await asyncio.to_thread(file_of, order, picture)
    quality = order.fields.get("quality")
    return _written(kind, {
        "type": kind,
        "b64_json": base64_of(file),
        "background": "opaque",
        "created_at": int(time.time()),
        "output_format": order.body.output_format,
        "quality": quality if quality in _QUALITIES else "auto",
        **facts_of(order, answer),
        "seed": picture.seed,
        "score": picture.score,
        **own,
    })  # fmt: skip


def _written(kind: str, data: dict[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
