"""Photos of the client's own: as prompts, and as pictures to edit."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import pytest
from api_calls import draw
from PIL import Image


def encoded(image: Image.Image, format: str = "PNG") -> str:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_photo_is_a_prompt(client: httpx2.Client, picture: dict[str, Any]) -> None:
    body = {"photo": picture["image"], "prompt": "a woman", "weight": 0.3, "seed": 5}
    answer = draw(client, "like", **body, num_images=2, images=False)
    latents = [p["record"]["latents"] for p in answer["pictures"]]
    assert [(one["op"], one["seed"], one["weight"]) for one in latents] == [
        ("photo", 5, 0.3),
        ("photo", 6, 0.3),
    ]


def test_a_photo_is_found(client: httpx2.Client) -> None:
    photo = encoded(Image.new("RGB", (40, 90), "teal"), "JPEG")
    answer = draw(client, "invert", photo=photo, steps=2, space="w", fit="pad", images=False)
    (found,) = answer["pictures"]
    assert found["record"]["latents"]["op"] == "given" and answer["inversion"]["steps"] == 2
    assert answer["inversion"]["distance"] <= answer["inversion"]["first_distance"]
    (near,) = draw(client, "vary", of=[{"record": found["record"]}], num=1)["pictures"]
    assert near["record"]["latents"]["base"]["op"] == "given"


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        ("no base64!", "not base64"),
        (base64.b64encode(b"PK\x03\x04 and so on").decode(), "a zip archive"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "not a picture"),
        (encoded(Image.new("1", (30_000, 30_000))), "too large"),
        ("", "empty"),
    ],
)
def test_what_is_no_photo(client: httpx2.Client, photo: str, said: str) -> None:
    for route in ("like", "invert"):
        answer = client.post(f"/api/v1/{route}", json={"photo": photo})
        error = answer.json()["error"]
        assert answer.status_code == 400 and error["param"] == "photo", error
        assert said in error["message"] and len(error["message"]) < 300
