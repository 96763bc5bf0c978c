"""``c2l live`` as it is used: OSC in, and frames to whoever watches, over real sockets."""

from __future__ import annotations

import io
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from c2l.errors import BadInput
from c2l.service import LivePicture, LiveValues, Session, open_live

START = LiveValues(prompt="a man", glide=0)


@dataclass
class Shown:
    """A show that is on."""

    address: tuple[str, int]
    osc: int
    picture: LivePicture
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def send(self, address: str, *arguments: object) -> None:
        from pythonosc.udp_client import SimpleUDPClient

        SimpleUDPClient("127.0.0.1", self.osc).send_message(address, arguments)

    def alone(self, values: LiveValues) -> np.ndarray:
        """What these values show, drawn by nobody else."""
        alone = LivePicture(self.picture._pipeline, {}, lambda notice: None)
        alone.move(values, 0.0)
        return pixels(alone.draw())


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)), dtype=int)


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    from c2l.web.live.running import server_of
    from c2l.web.live.show import Show
    from c2l.web.running import listen
    from c2l.web.settings import Settings

    picture = open_live(Session(), device="cpu")
    said: list[str] = []
    show = Show(lambda: picture, START, fps=60, osc=("127.0.0.1", 0), say=said.append)
    settings = Settings(port=0)
    ready = threading.Event()
    with listen(settings) as bound:
        server = server_of(show, settings, lambda address: ready.set())
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        assert ready.wait(60)
        yield Shown(bound.getsockname()[:2], show.osc.port, picture, said)
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the show did not end"


class Viewer:
    """Reads MJPEG as players do, by its headers."""

    def __init__(self, shown: Shown) -> None:
        self._socket = socket.create_connection(shown.address, timeout=30)
        self._socket.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self._file = self._socket.makefile("rb")
        self.head = self._lines()
        assert self._file.readline() == b"--frame\r\n"

    def _lines(self) -> dict[str, str]:
        lines: list[str] = []
        while line := self._file.readline().decode().strip():
            lines.append(line)
        return {name.lower(): value.strip() for name, _, value in
                (line.partition(":") for line in lines)}  # fmt: skip

    def part(self) -> tuple[dict[str, str], bytes]:
        head = self._lines()
        jpeg = self._file.read(int(head["content-length"]))
        assert self._file.read(len(b"\r\n--frame\r\n")) == b"\r\n--frame\r\n"
        return head, jpeg

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def watch_until(viewer: Viewer, message: int) -> bytes:
    """The first frame that was drawn with this message."""
    while True:
        head, jpeg = viewer.part()
        if int(head["x-message"]) >= message:
            return jpeg


@pytest.mark.timeout(120)
def test_of_200_messages_a_second_the_newest_is_drawn(shown: Shown) -> None:
    viewer = Viewer(shown)
    assert viewer.head["content-type"] == "multipart/x-mixed-replace; boundary=frame"
    before = int(viewer.part()[0]["x-message"])
    num = 200
    heads: list[dict[str, str]] = []
    sender = threading.Thread(target=lambda: [
        (shown.send("/c2l/seed", n), time.sleep(1 / 200)) for n in range(1, num + 1)
    ])  # fmt: skip
    sender.start()
    while not heads or int(heads[-1]["x-message"]) < before + num:
        head, jpeg = viewer.part()
        heads.append(head)
        seed = int(head["x-message"]) - before
        if seed and len(heads) % 20 == 0:  # each frame shows what was newest when it was begun
            lone = shown.alone(START.changed("seed", seed))
            assert np.abs(pixels(jpeg) - lone).mean() < 1
    sender.join()
    viewer.close()
    messages = [int(head["x-message"]) for head in heads]
    frames = [int(head["x-frame"]) for head in heads]
    assert messages == sorted(messages) and frames == sorted(frames)
    assert np.abs(pixels(jpeg) - shown.alone(START.changed("seed", num))).mean() < 1


@pytest.mark.timeout(120)
def test_viewers_come_and_go_and_a_still_picture_is_sent_again(shown: Shown) -> None:
    for _ in range(5):
        viewer = Viewer(shown)
        first, second = viewer.part(), viewer.part()
        viewer.close()
    assert first[1] == second[1] and first[0]["x-frame"] == second[0]["x-frame"]


@pytest.mark.timeout(120)
def test_what_is_wrong_is_said_once_and_harms_nothing(shown: Shown) -> None:
    viewer = Viewer(shown)
    before = int(viewer.part()[0]["x-message"])
    del shown.said[:]
    for _ in range(3):
        shown.send("/c2l/seed", "three")
        shown.send("/elsewhere", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            for data in (
                b"",
                b"\x00" * 7,
                b"#bundle\x00half",
                b"/c2l/seed\x00\x00\x00,i\x00\x00\x00",
            ):
                plain.sendto(data, ("127.0.0.1", shown.osc))
    shown.send("/c2l/seed", 5)
    watch_until(viewer, before + 1)
    viewer.close()
    assert len(shown.said) == len(set(shown.said)) >= 3
    assert "/c2l/seed: one number is wanted, not 'three'" in shown.said
    assert not any("internal" in line for line in shown.said)


@pytest.mark.timeout(120)
def test_bundles_are_taken_at_once_whatever_their_time(shown: Shown) -> None:
    from pythonosc.osc_bundle_builder import OscBundleBuilder
    from pythonosc.osc_message_builder import OscMessageBuilder

    bundle = OscBundleBuilder(time.time() + 3600)  # type: ignore[arg-type]
    for address, value in (("/c2l/seed", 8), ("/c2l/truncation", 0.5)):
        message = OscMessageBuilder(address)
        message.add_arg(value)
        bundle.add_content(message.build())
    viewer = Viewer(shown)
    before = int(viewer.part()[0]["x-message"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.sendto(bundle.build().dgram, ("127.0.0.1", shown.osc))
    jpeg = watch_until(viewer, before + 2)
    lone = shown.alone(START.changed("seed", 8).changed("truncation", 0.5))
    assert np.abs(pixels(jpeg) - lone).mean() < 1
    shown.send("/c2l/truncation", 1)
    watch_until(viewer, before + 3)
    viewer.close()


@pytest.mark.timeout(120)
def test_ffmpeg_plays_the_stream(shown: Shown) -> None:
    import av

    with av.open(f"{shown.url}/stream.mjpg", format="mpjpeg", timeout=30) as stream:
        frame = next(stream.decode(video=0))
    assert (frame.width, frame.height) == (128, 128)


@pytest.mark.timeout(120)
def test_frames_come_by_websocket_and_one_by_http(shown: Shown) -> None:
    import httpx2
    from websockets.sync.client import connect

    with connect(shown.url.replace("http", "ws") + "/frames") as viewer:
        first = viewer.recv(30)
        viewer.send("viewers have nothing to say")
        shown.send("/c2l/seed", 77)
        second = viewer.recv(30)
    assert isinstance(first, bytes) and isinstance(second, bytes) and first != second
    one = httpx2.get(f"{shown.url}/frame.jpg")
    assert one.headers["content-type"] == "image/jpeg" and one.content == second
    page = httpx2.get(shown.url)
    assert page.headers["content-type"].startswith("text/html") and "<img" in page.text
    error = httpx2.get(f"{shown.url}/stream.gif").json()["error"]
    assert error["code"] == "not_found"


def test_a_port_that_is_taken_is_said(shown: Shown) -> None:
    from c2l.web.live.show import Show

    for osc in (("127.0.0.1", shown.osc), ("127.0.0.1", 99_999)):
        with pytest.raises(BadInput) as caught:
            Show(lambda: shown.picture, START, fps=30, osc=osc, say=print)
        assert caught.value.field == "osc_port" and str(osc[1]) in str(caught.value)


@pytest.mark.timeout(240)
def test_a_browser_shows_it_on_its_page_and_on_any_other(shown: Shown, tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    own = tmp_path / "own.html"
    own.write_text(f"<img src='{shown.url}/stream.mjpg'>", encoding="utf-8")
    root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    wrong: list[str] = []

    def look() -> None:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=chromium, args=root)
            for address in (shown.url, own.as_uri()):
                page = browser.new_page()
                page.on("console", lambda message: wrong.append(message.text))
                page.set_default_timeout(60_000)
                page.goto(address, wait_until="commit")  # a stream is never loaded
                page.wait_for_function("() => document.querySelector('img').naturalWidth == 128")
                page.close()
            browser.close()

    # Playwright would leave a running event loop in the thread of all tests.
    with ThreadPoolExecutor() as apart:
        apart.submit(look).result()
    assert wrong == []
