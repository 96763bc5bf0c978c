"""Bad input of every kind: always a 4xx, in the one shape, and the service goes on."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

BODIES = {
    "no JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"prompt"',
    "not UTF-8": b'{"prompt": "\xff"}',
    "NaN": b'{"prompt": "a", "guidance": NaN}',
    "infinity": b'{"prompt": "a", "guidance": -Infinity}',
    "a number that overflows": b'{"prompt": "a", "guidance": 1e999}',
    "a field twice": b'{"prompt": "a", "prompt": "b"}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"prompt":' * 5_000,
    "deep and whole": b'{"latents":' + b'{"a":' * 200 + b"1" + b"}" * 201,
    "a very long number": b'{"prompt": "a", "seed": ' + b"1" * 10_000 + b"}",
    "half a surrogate": b'{"prompt": "\\ud800"}',
    "a zero byte": b'{"prompt": "a\\u0000b"}',
    "an empty prompt": b'{"prompt": ""}',
    "blank": b'{"prompt": " "}',
    "a long prompt": json.dumps({"prompt": "a" * 100_000}).encode(),
    "a long negative prompt": json.dumps({"prompt": "a", "negative": "b" * 100_000}).encode(),
    "a long text in a blend": json.dumps({"prompt": {"a" * 100_000: 1}}).encode(),
    "no picture": b'{"prompt": "a", "num_images": 0}',
    "ten thousand": b'{"prompt": "a", "num_images": 10000}',
    "ten thousand seeds": b'{"prompt": "a", "seeds": "1-10000"}',
    "a million prompts": json.dumps({"prompts": ["a"] * 100_000}).encode(),
    "wrong types": b'{"prompt": 7}',
    "a weight below 0": b'{"prompt": {"a": -1}}',
    "an unknown field": b'{"prompt": "a", "colour": "red"}',
    "a file as generator": b'{"prompt": "a", "generator": "stylegan:./x.pkl"}',
    "a plugin": b'{"prompt": "a", "plugin_files": {"./evil.py": "0"}}',
    "a device": b'{"prompt": "a", "device": "cuda"}',
    "steps for hours": b'{"prompt": "a", "steps": 100000}',
    "nested steps for hours": json.dumps(
        {"latents": {"op": "sample", "prompt": "a", "seed": 1, "steps": 99999}}
    ).encode(),
    "many candidates": b'{"prompt": "a", "num_images": 64, "best_of": 256}',
    "descent for hours": b'{"prompt": "a", "optimise": 100000}',
    "an unknown operation": b'{"latents": {"op": "run"}}',
    "a size of nothing": b'{"prompt": "a", "max_size": 0}',
    "a format": b'{"prompt": "a", "format": "../../x"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_it_is_refused_in_one_shape(client: httpx2.Client, body: bytes) -> None:
    answer = client.post(
        "/api/v1/sample", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400, answer.text
    check(answer)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("prompt", {"a man": -1}, "'a man' has weight -1.0, and weights are above 0"),
        ("prompt", {"man": "x"}, "`prompt.man` is not a number"),
        ("prompt", 5, "`prompt` is not a text"),
        ("seeds", [1, "x"], "`seeds.1` is not a whole number"),
        ("best_of", "many", "`best_of` is not "),
    ],
)
def test_of_several_forms_the_one_that_was_meant_is_corrected(
    client: httpx2.Client, field: str, value: object, says: str
) -> None:
    answer = client.post("/api/v1/sample", json={"prompt": "a man", field: value})
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "./x", "C:\\x", "x" * 100, "demo-faces\n", "", "~root", "%00"]
)
def test_path_tricks_in_names(client: httpx2.Client, name: str) -> None:
    for field in ("recipe", "prior"):
        answer = client.post("/api/v1/sample", json={"prompt": "a", field: name})
        if name or field == "recipe":
            assert answer.status_code in ((200,) if not name else (404,)), answer.text
        if answer.status_code != 200:
            check(answer)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", ""]
)
def test_bodies_of_other_kinds(client: httpx2.Client, kind: str) -> None:
    answer = client.post(
        "/api/v1/sample", content=b'{"prompt": "a"}', headers={"content-type": kind} if kind else {}
    )
    assert answer.status_code == 400
    check(answer)


def test_other_methods(client: httpx2.Client) -> None:
    for method, path in (("GET", "/api/v1/sample"), ("PUT", "/api/v1/jobs"), ("PATCH", "/api/v1")):
        answer = client.request(method, path)
        assert answer.status_code == 405
        check(answer)


def check(answer: httpx2.Response) -> None:
    """The one shape, in a sentence or two, which does not send back all that came."""
    error: dict[str, Any] = answer.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["type"] == "invalid_request_error" and error["code"]
    assert 0 < len(error["message"]) < 400 and "Traceback" not in error["message"]
