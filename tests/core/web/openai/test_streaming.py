"""Streams: what partial pictures take, and what happens when a later work fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from c2l.service import PlainPicture
from c2l.web.compat.bodies import Sent
from c2l.web.engine import Answer, Draining
from c2l.web.offer import Offer
from c2l.web.openai.orders import order_of
from c2l.web.openai.shapes import GenerationsBody
from c2l.web.openai.streaming import events, steps_of_partial


@pytest.mark.parametrize(
    ("num", "steps", "taken"),
    [(3, None, [1, 2, 4]), (1, None, [4]), (0, None, []), (3, 4, [1, 2]), (2, 1, [])],
)
def test_steps_of_partial_pictures(num: int, steps: int | None, taken: list[int]) -> None:
    assert steps_of_partial(num, steps) == taken


def test_an_error_after_the_first_picture_ends_the_stream_in_the_one_shape() -> None:
    offer = Offer({"faces": None})  # type: ignore[dict-item]
    order = order_of(GenerationsBody, Sent({"prompt": "a man", "stream": True}), offer, "faces")
    pixel = PlainPicture(1, 1, b"abc", 7, "a man", 0.5, {}, None, {})  # type: ignore[arg-type]

    async def stops(work: Any) -> Answer:
        raise Draining("the server stops", retry_after=5)

    async def told() -> list[str]:
        return [e async for e in events(order, "image", Answer((pixel,)), [None], stops)]  # type: ignore[list-item]

    partial, error = asyncio.run(told())
    assert partial.startswith("event: image.partial_image\ndata: {")
    name, data, *_ = error.split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["error"]["code"] == "stopping"
