"""The app as a whole: health, and errors in one shape."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from served import serving


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


def test_memory_is_given_back_on_request() -> None:
    with serving(recipes=["demo-faces"]) as own, own.client() as client:
        assert own.engine.status().loaded == ("demo-faces",)
        assert client.post("/sdapi/v1/unload-checkpoint").status_code == 200
        assert own.engine.status().loaded == ()
        assert client.post("/api/v1/sample", json={"prompt": "a man"}).status_code == 200


def test_metrics_name_routes_in_full(client: httpx2.Client) -> None:
    client.get("/sdapi/v1/memory")
    client.get("/api/v1/recipes/demo-faces")
    told = client.get("/metrics").text
    assert 'route="/sdapi/v1/memory"' in told
    assert 'route="/api/v1/recipes/{name}"' in told
