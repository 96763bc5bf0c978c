"""The app as a whole: health, and errors in one shape."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest


def test_it_is_ready(client: httpx2.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(("asked", "status"), [("GET /no", 404), ("PUT /healthz", 405)])
def test_errors_have_one_shape(client: httpx2.Client, asked: str, status: int) -> None:
    answer = client.request(*asked.split())
    error: dict[str, Any] = answer.json()["error"]
    assert answer.status_code == status
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == "invalid_request_error"
