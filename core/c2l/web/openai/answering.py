"""Drawn pictures as OpenAI's clients expect them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from c2l.service import Notice, PlainPicture
from c2l.web.compat.encoding import encoded, in_size
from c2l.web.compat.sizes import Size, notice_of_size
from c2l.web.engine import Answer
from c2l.web.openai.orders import Order

NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}
"""No tokens are counted; the types of their events want the numbers."""


def images_answer(
    order: Order[Any], answer: Answer, to_url: Callable[[bytes], str]
) -> dict[str, Any]:
    """The whole answer.

    Args:
        to_url: keeps a file, and gives its address.
    """
    as_url = order.body.response_format == "url"
    files = [file_of(order, picture) for picture in answer.pictures]
    data = [
        {
            **({"url": to_url(file)} if as_url else {"b64_json": base64_of(file)}),
            "seed": picture.seed,
            "score": picture.score,
        }
        for file, picture in zip(files, answer.pictures, strict=True)
    ]
    return {
        "created": int(time.time()),
        "data": data,
        "background": "opaque",
        "output_format": order.body.output_format,
        **facts_of(order, answer),
    }


def facts_of(order: Order[Any], answer: Answer) -> dict[str, Any]:
    """Sizes, recipe and notices of an answer; and what a picture was made from."""
    drawn = drawn_size(answer.pictures[0])
    said = notice_of_size(drawn, order.size)
    notices = [*order.notices, *answer.notices, *([Notice("option", said)] if said else [])]
    return {
        "size": str(order.size or drawn),
        "drawn_size": str(drawn),
        "model": order.recipe,
        "made_from": answer.values.get("made_from"),
        "notices": [{"kind": n.kind, "text": n.text} for n in notices],
    }


def drawn_size(picture: PlainPicture) -> Size:
    """The size that the generator drew."""
    return Size(picture.width, picture.height)


def file_of(order: Order[Any], picture: PlainPicture) -> bytes:
    """A picture as the file that was asked for."""
    body = order.body
    return encoded(in_size(picture, order.size), body.output_format, body.output_compression)


def base64_of(data: bytes) -> str:
    """Without a prefix."""
    return base64.b64encode(data).decode()
