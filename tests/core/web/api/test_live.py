"""The live socket: the newest counts, and nothing closes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import MAN, are_same
from served import Served
from websockets.sync.client import ClientConnection, connect


@pytest.fixture
def socket(served: Served) -> Iterator[ClientConnection]:
    with connect(f"{served.url}/api/v1/live".replace("http", "ws"), max_size=None) as found:
        yield found


def ask(socket: ClientConnection, **message: Any) -> dict[str, Any]:
    socket.send(json.dumps(message))
    found: dict[str, Any] = json.loads(socket.recv(timeout=60))
    return found


def test_a_message_is_answered_as_by_its_route(
    socket: ClientConnection, picture: dict[str, Any]
) -> None:
    answer = ask(socket, id=1, request={**MAN, "format": "png"})
    assert answer["id"] == 1 and answer["score"] == picture["score"] and not answer["far"]
    assert are_same(answer["pictures"][0], picture)
    request = {"of": [{"record": picture["record"]}], "num": 1}
    near = ask(socket, id="b", kind="vary", request=request, preview=True, max_size=32, quality=50)
    (small,) = near["pictures"]
    assert (near["id"], small["format"], small["width"]) == ("b", "webp", 32)
    assert near["score"] is None


def test_the_newest_is_drawn_and_others_are_left_out(socket: ClientConnection) -> None:
    for number in range(40):
        request = {"prompt": "a man", "seed": number, "images": False}
        socket.send(json.dumps({"id": number, "request": request}))
    ids: list[int] = []
    while not ids or ids[-1] != 39:
        ids.append(json.loads(socket.recv(timeout=60))["id"])
    assert ids == sorted(ids) and len(ids) < 10


@pytest.mark.parametrize(
    ("message", "id", "param"),
    [
        ("{", None, None),
        ("[1]", None, None),
        ('{"id": 1, "id": 2}', None, None),
        ('{"id": 3}', 3, "request"),
        ('{"id": 4, "request": {"prompt": "a", "steps": 0}}', 4, "request.steps"),
        ('{"id": 5, "kind": "invert", "request": {}}', 5, "kind"),
        ('{"id": 6, "kind": {}, "request": {}}', 6, "kind"),
        ('{"id": {}, "request": {}}', None, "id"),
        ('{"id": 7, "nothing": 1, "request": {}}', 7, "nothing"),
        ('{"id": 8, "request": {"prompt": "a", "recipe": "../x"}}', 8, "recipe"),
    ],
)
def test_errors_are_told_and_the_socket_stays_open(
    socket: ClientConnection, message: str, id: int | None, param: str | None
) -> None:
    socket.send(message)
    told = json.loads(socket.recv(timeout=60))
    assert told["id"] == id and told["error"]["param"] == param
    assert set(told["error"]) == {"message", "type", "param", "code"}
    assert ask(socket, id=9, request={**MAN, "images": False})["id"] == 9


def test_bytes_end_it_and_the_server_goes_on(served: Served) -> None:
    with connect(f"{served.url}/api/v1/live".replace("http", "ws")) as socket:
        socket.send(b"\x00")
    with served.client() as client:
        assert client.get("/healthz").status_code == 200
