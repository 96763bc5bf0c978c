"""Requests as Open WebUI, LibreChat and SillyTavern send them, and answers as they parse them.

The files in ``tests/data/clients`` say where each was read. A parser below does with an answer what
its client does, and fails where the client would fail or show nothing.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[2] / "data" / "clients"
CLIENTS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
REQUESTS = [
    pytest.param(client["parses"], request, id=f"{stem}: {request['name']}")
    for stem, client in sorted(CLIENTS.items())
    for request in client["requests"]
]


def shown(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def open_webui_openai(request: dict[str, Any], answer: httpx2.Response) -> None:
    answer.raise_for_status()
    pictures = answer.json()["data"]
    for picture in pictures:
        assert not picture.get("url"), "it would fetch it, and refuses addresses of its own network"
        shown(base64.b64decode(picture["b64_json"].rpartition(",")[2]))
    asked = {**dict(request.get("form", ())), **request.get("json", {})}
    assert len(pictures) == int(asked.get("n", 1))


def open_webui_a1111(request: dict[str, Any], answer: httpx2.Response) -> None:
    answer.raise_for_status()
    told = answer.json()
    if request["path"].endswith("/txt2img"):
        for picture in told["images"]:
            shown(base64.b64decode(picture))
        assert len(told["images"]) == request["json"]["batch_size"] and told["info"]
    elif request["path"].endswith("/sd-models"):
        assert [(model["title"], model["model_name"]) for model in told]
    elif request["method"] == "GET":
        assert told["sd_model_checkpoint"]


def librechat(request: dict[str, Any], answer: httpx2.Response) -> None:
    answer.raise_for_status()
    told = answer.json()
    if "/v1/images" in request["path"] and "sdapi" not in request["path"]:
        picture = shown(base64.b64decode(told["data"][0]["b64_json"]))
        wanted = request.get("json", {}).get("output_format", "png")
        assert picture.format == wanted.upper()
        return
    picture = shown(base64.b64decode(told["images"][0].split(",", 1)[0]))
    info = json.loads(told["info"])
    assert picture.size == (info["width"], info["height"])
    line = info["infotexts"][0].split("\n")[-1]
    assert f"Seed: {info['seed']}" in line


def sillytavern(request: dict[str, Any], answer: httpx2.Response) -> None:
    assert answer.is_success
    told, name = answer.json(), request["path"].rpartition("/")[2]
    if name in ("samplers", "schedulers", "upscalers", "latent-upscale-modes"):
        assert [entry["name"] for entry in told]
    elif name == "sd-models":
        assert [model["title"] for model in told]
    elif name == "sd-vae":
        assert isinstance([model["model_name"] for model in told], list)
    elif name == "progress":
        assert told["progress"] == 0 and told["state"]["job_count"] == 0
    elif name == "txt2img":
        assert shown(base64.b64decode(told["images"][0])).format == "PNG"


PARSERS: dict[str, Callable[[dict[str, Any], httpx2.Response], None]] = {
    parser.__name__: parser
    for parser in (open_webui_openai, open_webui_a1111, librechat, sillytavern)
}


@pytest.fixture(scope="module")
def as_it_was(client: httpx2.Client) -> Iterator[httpx2.Client]:
    """The server is shared: some clients switch its recipe."""
    before = client.get("/sdapi/v1/options").json()
    yield client
    client.post("/sdapi/v1/options", json=before)


@cache
def _drawn(client: httpx2.Client) -> bytes:
    body = {"prompt": "a young woman"}
    answer = client.post("/v1/images/generations", json=body).json()
    return base64.b64decode(answer["data"][0]["b64_json"])


def picture_of(kind: str, client: httpx2.Client) -> bytes:
    """A picture of c2l, or one of a camera."""
    if kind == "drawn":
        return _drawn(client)
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((320, 240)).save(buffer, "JPEG")
    return buffer.getvalue()


def sent_as_is(request: httpx2.Request) -> httpx2.Response:
    """By a library that lets headers pass as these clients write them: ``Bearer``, and no key."""
    connection = http.client.HTTPConnection(request.url.host, request.url.port, timeout=60)
    headers = {name.decode(): value.decode() for name, value in request.headers.raw}
    path = request.url.raw_path.decode()
    connection.request(request.method, path, request.read() or None, headers)
    got = connection.getresponse()
    answer = httpx2.Response(got.status, headers=got.getheaders(), content=got.read())
    answer.request = request
    connection.close()
    return answer


@pytest.mark.parametrize(("parser", "request_"), REQUESTS)
def test_passes_as_it_stands(
    as_it_was: httpx2.Client, parser: str, request_: dict[str, Any]
) -> None:
    sent: dict[str, Any] = {"headers": request_["headers"]}
    if "json" in request_:
        sent["content"] = json.dumps(request_["json"])
    if "form" in request_:
        fields = [(name, (None, value)) for name, value in request_["form"]]
        files = [
            (name, (filename, picture_of(kind, as_it_was), media_type))
            for name, filename, kind, media_type in request_["files"]
        ]
        sent["files"] = [*fields, *files]
    answer = sent_as_is(as_it_was.build_request(request_["method"], request_["path"], **sent))
    PARSERS[parser](request_, answer)
