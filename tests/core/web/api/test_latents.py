"""Latents out and in: the same picture comes back."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx2
import pytest
from api_calls import MAN, are_same, draw
from safetensors.torch import load


def test_numbers_go_out_and_come_in(client: httpx2.Client, picture: dict[str, Any]) -> None:
    told = draw(client, "latents", **MAN)
    sent = {name: told["latents"][name] for name in ("shape", "data")}
    answer = draw(client, "synthesize", latents=sent, prompt=MAN["prompt"])
    assert told["seeds"] == [7] and told["latents"]["repeats"] == [12]
    (again,) = answer["pictures"]
    assert are_same(again, picture) and again["score"] == pytest.approx(picture["score"], abs=1e-3)


def test_a_file_goes_out_and_comes_in(client: httpx2.Client, picture: dict[str, Any]) -> None:
    file = client.post("/api/v1/latents", json={**MAN, "format": "safetensors"})
    found = load(file.content)
    assert found["latents"].shape == (1, 1, 50) and found["seeds"].tolist() == [7]
    sent = {"safetensors": base64.b64encode(file.content).decode()}
    assert are_same(draw(client, "synthesize", latents=sent)["pictures"][0], picture)


def test_latents_of_pictures(client: httpx2.Client, picture: dict[str, Any]) -> None:
    told = draw(client, "latents", of=[{"record": picture["record"]}, {"seed": 4}])
    assert told["latents"]["shape"] == [2, 12, 50]


NAN = base64.b64encode(struct.pack("<50f", *[float("nan")] * 50)).decode()


@pytest.mark.parametrize(
    ("latents", "param"),
    [
        ({}, "latents"),
        ({"shape": [1, 1, 50]}, "latents"),
        ({"shape": [1, 1, 50], "data": "AAAA"}, "data"),
        ({"shape": [2**40, 2**40, 50], "data": "AAAA"}, "data"),
        ({"shape": [1, 1, 50], "data": NAN}, "latents"),
        ({"shape": [1, 1, 3], "data": "AAAAAAAAAAAAAAAA"}, ""),
        ({"safetensors": "AAAA"}, "safetensors"),
        ({"shape": [1, 1, 50], "data": NAN, "safetensors": "AAAA"}, "latents"),
    ],
)
def test_what_are_no_latents(client: httpx2.Client, latents: dict[str, Any], param: str) -> None:
    answer = client.post("/api/v1/synthesize", json={"latents": latents})
    error = answer.json()["error"]
    assert answer.status_code == 400 and (error["param"] or "").startswith(param), error


def test_pictures_or_prompts(client: httpx2.Client) -> None:
    answer = client.post("/api/v1/latents", json={"of": [MAN], "prompt": "a man"})
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "of"
