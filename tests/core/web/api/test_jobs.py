"""Jobs by HTTP: begun, followed, fetched, cancelled."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from api_calls import MAN, are_same


def begin(client: httpx2.Client, kind: str, **request: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/jobs", json={"kind": kind, "request": request})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def events(client: httpx2.Client, job: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All that is told until the job ends."""
    answer = client.get(f"/api/v1/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [one.splitlines() for one in answer.text.split("\n\n") if one.startswith("event: ")]
    return [(name[7:], json.loads(data[6:])) for name, data in told]


def test_a_job_answers_as_its_route(client: httpx2.Client, picture: dict[str, Any]) -> None:
    job = begin(client, "sample", **MAN)
    *told, (last, end) = events(client, job)
    assert last == "end" and end["state"] == "done" and end["result"] is None
    assert ("progress", {"done": 1, "total": 1}) in told
    found = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert are_same(found["result"]["pictures"][0], picture)
    assert client.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "done"
    assert client.get(f"/api/v1/jobs/{job['id']}").status_code == 404


def test_a_video_is_fetched_as_a_file(client: httpx2.Client) -> None:
    job = begin(client, "video", ends=[MAN, {"seed": 2}], frames=2, spacing="path", format="gif")
    events(client, job)
    result = client.get(f"/api/v1/jobs/{job['id']}").json()["result"]
    file = client.get(result["url"])
    assert len(file.content) == result["size"] and file.content[:3] == b"GIF"


def test_a_long_job_is_cancelled(client: httpx2.Client, picture: dict[str, Any]) -> None:
    job = begin(client, "invert", photo=picture["image"], steps=1000)
    assert client.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert events(client, job)[-1][1]["state"] == "cancelled"
    assert client.get(f"/api/v1/jobs/{job['id']}/file").status_code == 404
    assert client.post("/api/v1/sample", json=MAN).status_code == 200  # the worker is free again


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"kind": "sample", "request": {"prompt": ""}}, "request.prompt"),
        ({"kind": "sample", "request": {"prompt": "a", "num_images": 999}}, "num_images"),
        ({"kind": "invert", "request": {"photo": "AAAA"}}, "photo"),
        ({"kind": "embed", "request": {}}, "kind"),
        ({"kind": "sample"}, "request"),
    ],
)
def test_what_is_wrong_is_answered_at_once(
    client: httpx2.Client, body: dict[str, Any], param: str
) -> None:
    answer = client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 400 and answer.json()["error"]["param"] == param, answer.text


def test_unknown_jobs(client: httpx2.Client) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/file"), ("DELETE", "")):
        answer = client.request(method, f"/api/v1/jobs/..%2f..%2fetc{path}")
        assert answer.status_code == 404, (method, path)
