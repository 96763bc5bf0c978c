"""The OpenAPI description is complete: summaries, examples, errors."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served

OPEN = {"/healthz", "/readyz"}


def operations(served: Served) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in served.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_says_what_it_is_and_what_goes_wrong(served: Served) -> None:
    for name, operation in operations(served):
        assert operation["summary"], name
        answers = operation["responses"]
        if name.partition(" ")[2] not in OPEN:
            assert {"400", "401", "500"} <= answers.keys(), name
        assert "422" not in answers, name
        for status, answer in answers.items():
            if status >= "400" and name != "GET /readyz":
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorOut"}, (name, status)


def test_every_body_and_answer_of_ours_has_an_example(served: Served) -> None:
    shapes = served.app.openapi()["components"]["schemas"]
    for name, operation in operations(served):
        if "/api/v1" not in name and name != "POST /v1/embeddings":
            continue
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            shape = shapes[schema["$ref"].rpartition("/")[2]]
            assert shape["examples"], name
        good = next(answer for status, answer in operation["responses"].items() if status < "300")
        files = [media for media in good["content"] if "json" not in media]
        assert files or good["content"]["application/json"]["example"], name


def test_no_shape_is_left_unused(served: Served) -> None:
    text = str(served.app.openapi())
    for name in served.app.openapi()["components"]["schemas"]:
        assert text.count(f"/schemas/{name}'") > 0, name


def test_random_requests(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few; ``benchmarks/fuzz_routes.py`` sends thousands, to every route."""
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    fuzz_routes = importlib.import_module("fuzz_routes")

    found = fuzz_routes.fuzz(served.url, examples=9, only="/api/v1/sample")
    assert not found.failures, "\n\n".join(found.failures)
    assert found.statuses.keys() >= {200, 400} and found.routes == 1
