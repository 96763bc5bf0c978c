"""Every route that draws heeds a class, and refuses one that there is not."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

PROMPT = {"prompt": "a man", "class_label": "golden retriever"}
SEED = {"seed": 1, "class_label": 207}


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/v1/images/generations", PROMPT),
        ("/sdapi/v1/txt2img", PROMPT),
        ("/api/v1/sample", PROMPT),
        ("/api/v1/walk", {"ends": [PROMPT, {"seed": 2}], "frames": 2}),
        ("/api/v1/walk", {"ends": [SEED, {"seed": 2}], "frames": 2}),
        ("/api/v1/vary", {"of": [PROMPT], "num": 1}),
        ("/api/v1/latents", PROMPT),
    ],
)
def test_a_class_is_heeded(route: str, body: dict[str, Any], client: httpx2.Client) -> None:
    answer = client.post(route, json=body)
    assert answer.status_code == 400
    assert "stylegan:demo-faces has no classes" in answer.text
