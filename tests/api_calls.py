"""Calls of ``/api/v1``, and what is in the pictures of their answers."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import httpx2

MAN: dict[str, Any] = {"prompt": "a happy man", "seed": 7}


def draw(client: httpx2.Client, route: str, **body: Any) -> dict[str, Any]:
    """What a route answers to a body."""
    answer = client.post(f"/api/v1/{route}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def image_of(picture: dict[str, Any]) -> Image.Image:
    """The picture of an answer, read."""
    image = Image.open(io.BytesIO(base64.b64decode(picture["image"])))
    image.load()
    return image


def are_same(one: dict[str, Any], other: dict[str, Any], tolerance: int = 1) -> bool:
    """Whether two pictures are the same, but for the last bits of what they were made from."""
    a, b = (np.asarray(image_of(p).convert("RGB")).astype(int) for p in (one, other))
    return a.shape == b.shape and bool(np.abs(a - b).max() <= tolerance)


def record_inside(picture: dict[str, Any]) -> dict[str, Any]:
    """The record in a PNG."""
    found: dict[str, Any] = json.loads(image_of(picture).info["c2l"])
    return found
