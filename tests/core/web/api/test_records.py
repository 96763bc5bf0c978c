"""Records: read from a PNG, drawn again; and never taken for more than they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_calls import are_same, draw


def test_a_record_is_read_and_drawn_again(client: httpx2.Client, picture: dict[str, Any]) -> None:
    told = draw(client, "records/read", png=picture["image"])
    assert told["record"] == picture["record"]
    by_record = draw(client, "records/draw", records=[told["record"]])["pictures"][0]
    by_request = draw(client, "sample", **told["request"])["pictures"][0]
    assert are_same(by_record, picture) and are_same(by_request, picture)


def test_other_weights_are_told(client: httpx2.Client, picture: dict[str, Any]) -> None:
    prints = {**picture["record"]["fingerprints"], "embedder": "0" * 16}
    record = {**picture["record"], "fingerprints": prints}
    (notice,) = draw(client, "records/draw", records=[record], images=False)["notices"]
    assert notice["kind"] == "weights"


@pytest.mark.parametrize(
    "named",
    [
        {"generator": "stylegan:./x.pkl"},
        {"generator": "/etc/passwd"},
        {"prior": "../prior.safetensors"},
        {"embedder": "x:~/clip"},
        {"prior": "secret.safetensors"},
        {"prior": "s3://secret/prior.safetensors"},
    ],
)
def test_no_file_is_looked_at(
    client: httpx2.Client,
    picture: dict[str, Any],
    named: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = []
    for there in (False, True):  # whether the file exists is not told
        if there:
            (tmp_path / "secret.safetensors").touch()
        for route, body in (
            ("records/draw", {"records": [{**picture["record"], **named}]}),
            ("vary", {"of": [{"record": {**picture["record"], **named}}]}),
        ):
            answer = client.post(f"/api/v1/{route}", json=body)
            assert answer.status_code == 400, answer.text
            said.append(answer.json()["error"]["message"])
    assert len(set(said)) == 1 and "not a name of the catalogue" in said[0]


def test_devices_and_files_of_others_mean_nothing_here(
    client: httpx2.Client, picture: dict[str, Any]
) -> None:
    record = {**picture["record"], "device": "cuda:7", "plugin_files": {"/x.py": "0" * 64}}
    (again,) = draw(client, "records/draw", records=[record])["pictures"]
    assert again["record"]["device"] == "cpu" and "plugin_files" not in again["record"]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"schema": "c2l/9", "prompt": "a"},
        {"schema": "c2l/2", "prompt": "a", "seed": -1},
        {"schema": "c2l/2", "grid": ["a"]},
        {"schema": "c2l/2", "prompt": "a", "best_of": 10**9},
        {"schema": "c2l/2", "prompt": "a", "fingerprints": ["x"]},
        {"schema": "c2l/2", "latents": {"op": "sample", "prompt": "a", "seed": 1, "steps": 10**9}},
    ],
)
def test_what_is_no_record(client: httpx2.Client, record: dict[str, Any]) -> None:
    for route, body in (
        ("records/draw", {"records": [record]}),
        ("vary", {"of": [{"record": record}]}),
    ):
        answer = client.post(f"/api/v1/{route}", json=body)
        assert answer.status_code == 400, answer.text
