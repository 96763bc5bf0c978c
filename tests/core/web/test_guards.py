"""What stands in front of the routes: tokens, origins, hosts, bodies, slow and silent clients."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from faked_engine import OFFER, Chore, engine_with
from fastapi import APIRouter, Body, Request, Response, WebSocket
from served import Served, serving

from c2l.web.connection import engine_of, while_connected, who_is

MUCH = 64 << 20
TOKEN = "correct horse battery"
router = APIRouter()
chores: dict[str, Chore] = {}


@router.post("/echo")
async def echo(body: Any = Body()) -> Any:  # noqa: B008
    return body


@router.post("/broken")
async def broken() -> None:
    raise RuntimeError("secret of the house")


@router.post("/chore/{name}")
async def chore(name: str, request: Request) -> Any:
    doing = engine_of(request).do(chores[name], who=who_is(request))
    return (await while_connected(request, doing)).values


@router.get("/large")
async def large() -> Response:
    return Response(b"x" * MUCH)


@router.websocket("/socket")
async def talk(connection: WebSocket) -> None:
    await connection.accept()
    await connection.send_text("hello")
    await connection.close()


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as found:
        yield found


def served_with(patch: pytest.MonkeyPatch, **how: Any) -> Any:
    limits = {"body": 10_000, "body_seconds": 0.5, "header_seconds": 0.3}
    engine = engine_with(patch, **limits)
    return serving(engine, OFFER, [router], limits=engine._limits, **how)


@pytest.fixture(scope="module")
def plain(patch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served_with(patch) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(patch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served_with(patch, token=TOKEN, origins=["https://page.example"]) as found:
        yield found


def asked(served: Served, method: str, path: str, **how: Any) -> httpx2.Response:
    with served.client() as client:
        return client.request(method, path, **how)


def raw(served: Served, data: bytes, seconds: float = 10) -> bytes:
    """What a server answers to bytes until it closes the connection."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(data)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass  # it closed while we were sending
        return answer


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
        (basic(f"anybody:{TOKEN}"), 200),
        (basic(TOKEN), 200),
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (TOKEN, 401),
        (basic(":"), 401),
        ("Basic %%%", 401),
        (f"Bearer {TOKEN[:-1]}\xe9", 401),
    ],
)
def test_a_token(guarded: Served, shown: str, status: int) -> None:
    headers = {"authorization": shown.encode("latin-1")} if shown else {}
    answer = asked(guarded, "POST", "/echo", json=1, headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["error"]["code"] == "invalid_api_key"
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_whether_it_lives_is_no_secret_but_its_metrics_are(guarded: Served) -> None:
    paths = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/no")
    assert [asked(guarded, "GET", p).status_code for p in paths] == [200, 200, 401, 401, 401]


def logged(caplog: pytest.LogCaptureFixture, num: int) -> list[str]:
    """The access log, once it has so many lines: clients have answers before they are written."""
    until = time.monotonic() + 60
    while True:
        lines = [r.getMessage() for r in list(caplog.records) if r.name == "c2l.access"]
        if len(lines) >= num or time.monotonic() > until:
            return lines
        time.sleep(0.01)


def test_no_secret_is_logged(guarded: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="c2l"):
        headers = {"authorization": f"Bearer {TOKEN}"}
        asked(guarded, "POST", "/echo?key=hidden", json="my prompt", headers=headers)
        asked(guarded, "POST", "/e%0acho%1b[31m", json=1)
        lines = logged(caplog, 2)
    assert " POST /echo 200 " in lines[0]
    assert " POST /e%0acho%1b[31m 401 " in lines[1]
    assert not any(word in line for line in lines for word in (TOKEN, "hidden", "prompt"))


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://page.example", 200),
        ("https://page.example.evil", 403),
        ("http://localhost:1", 403),
        ("null", 403),
    ],
)
def test_pages_elsewhere(guarded: Served, origin: str, status: int) -> None:
    headers = {"origin": origin, "authorization": f"Bearer {TOKEN}"}
    answer = asked(guarded, "POST", "/echo", json=1, headers=headers)
    assert answer.status_code == status
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origin if status == 200 else None)


def test_a_preflight_needs_no_token(guarded: Served) -> None:
    headers = {
        "origin": "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    assert asked(guarded, "OPTIONS", "/echo", headers=headers).status_code == 200


def test_the_own_page_may_and_others_may_not(plain: Served) -> None:
    assert asked(plain, "POST", "/echo", json=1, headers={"origin": plain.url}).status_code == 200
    evil = asked(plain, "POST", "/echo", json=1, headers={"origin": "https://evil.example"})
    assert (evil.status_code, evil.json()["error"]["code"]) == (403, "foreign_origin")


GET = b"GET /healthz HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1:80"])
def test_without_a_token_it_answers_to_this_machine_alone(plain: Served, host: str) -> None:
    answer = raw(
        plain, f"GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    )
    assert b" 403 " in answer or b" 400 " in answer


@pytest.mark.parametrize("host", ["localhost:1", "127.9.9.9", "[::1]:8000"])
def test_names_of_this_machine(plain: Served, host: str) -> None:
    answer = raw(
        plain, f"GET /healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    )
    assert b" 200 " in answer


def test_sockets_of_browsers(guarded: Served, plain: Served) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    url = guarded.url.replace("http", "ws") + "/socket"
    named = base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("=")
    with pytest.raises(InvalidStatus):
        connect(url)
    with connect(url, additional_headers={"authorization": f"Bearer {TOKEN}"}) as one:
        assert one.recv() == "hello"
    with pytest.raises(InvalidStatus):
        connect(plain.url.replace("http", "ws") + "/socket", origin="https://evil.example")
    with connect(plain.url.replace("http", "ws") + "/socket", origin=plain.url) as one:
        assert one.recv() == "hello"
    with connect(url, subprotocols=["c2l", f"token.{named}"]) as one:  # type: ignore[list-item]
        assert one.recv() == "hello"


CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"
POST = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (POST + b"content-length: 99999999999\r\n\r\n", 413),
        (POST + b"transfer-encoding: chunked\r\n\r\n" + CHUNK, 408),
        (POST + b"transfer-encoding: chunked\r\n\r\n" + CHUNK * 9, 413),
        (POST + b"content-length: 10\r\n\r\nxx", 408),
        (POST + b"content-length: -5\r\n\r\n", 400),
        (POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (POST + b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * 400_000, 400),
        (POST + b"transfer-encoding: chunked\r\n\r\n0\r\nx: " + b"y" * 400_000, 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 400_000, 400),
        (b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 100_000, 400),
        (b"GET /" + b"y" * 400_000, 400),
        (b"GET / HTTP/1.1\r\nhost : localhost\r\n\r\n", 400),
        (b"GET http:// HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        (b"CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_bodies_and_headers_that_do_not_end(plain: Served, data: bytes, status: int) -> None:
    answer = raw(plain, data)
    assert answer.startswith(b"HTTP/1.1 %d" % status) or (status == 400 and not answer)
    assert not answer or json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
    assert asked(plain, "GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    "said", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"]
)
def test_who_says_nothing_is_hung_up_on(plain: Served, said: bytes) -> None:
    assert raw(plain, said) == b""


def test_who_does_not_take_its_answer_is_hung_up_on(plain: Served) -> None:
    host, port = plain.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
        time.sleep(1.2)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(1 << 20):
                taken += len(part)
        assert taken < MUCH
    assert len(asked(plain, "GET", "/large").content) == MUCH


def test_a_long_work_is_not_hung_up_on(plain: Served) -> None:
    gate = threading.Event()
    chores["slow"] = Chore("slow", gate=gate)
    threading.Timer(1.2, gate.set).start()
    assert asked(plain, "POST", "/chore/slow").json() == {"name": "slow"}


def test_who_leaves_is_not_worked_for(plain: Served) -> None:
    endless = chores["endless"] = Chore("endless", gate=threading.Event())
    host, port = plain.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /chore/endless HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
        )
        assert endless.running.wait(30)
    chores["next"] = Chore("next")
    assert asked(plain, "POST", "/chore/next").json() == {"name": "next"}


def test_a_server_that_stops_finishes_what_runs(patch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    last = chores["last"] = Chore("last", gate=gate)
    answers: list[httpx2.Response] = []
    with served_with(patch) as stopping:
        asking = threading.Thread(
            target=lambda: answers.append(asked(stopping, "POST", "/chore/last"))
        )
        asking.start()
        assert last.running.wait(30)
        threading.Timer(0.5, gate.set).start()
    asking.join()
    assert answers[0].json() == {"name": "last"}
    assert answers[0].headers["connection"] == "close"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[1,", b"nul", b"[" * 9000])
def test_what_is_no_json_is_a_bad_request(plain: Served, body: bytes) -> None:
    answer = asked(
        plain, "POST", "/echo", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_defect_says_nothing_of_itself(plain: Served, caplog: pytest.LogCaptureFixture) -> None:
    answer = asked(plain, "POST", "/broken")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.json()["error"]["type"] == "server_error"
    assert "secret of the house" in caplog.text


def test_every_answer_has_a_number_and_safe_headers(plain: Served) -> None:
    for path in ("/healthz", "/no"):
        headers = asked(plain, "GET", path).headers
        assert re.fullmatch(r"[0-9a-f]{6}-\d+", headers["x-request-id"])
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "server" not in headers


def test_metrics(plain: Served) -> None:
    asked(plain, "GET", "/healthz")
    asked(plain, "GET", "/no/such/page")
    told = asked(plain, "GET", "/metrics").text
    assert 'c2l_requests_total{route="/healthz",status="200"}' in told
    assert 'c2l_requests_total{route="other",status="404"}' in told
    assert "such" not in told
    for name in ("c2l_waiting", "c2l_running", "c2l_pictures_total", "c2l_dropped_total"):
        assert f"\n{name} " in told
