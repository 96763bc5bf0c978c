"""A browser for the page, and a fresh visitor for each test. Without Chromium they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browsing import drawn
from served import Served

SECONDS = 60  # a busy machine is no failure
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # there are no other hosts
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    # Not for the session: an event loop runs in this thread while it is open.
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    playwright.expect.set_options(timeout=SECONDS * 1000)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=[*QUIET, *root])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, served: Served) -> Iterator[Callable[..., Any]]:
    """Opens the page for a new visitor, and waits for pictures.

    What it asks of other hosts is not answered, and fails the test; so does an error in the
    console, unless a part of its text is to be ignored.
    """
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_page(
        url: str = served.url,
        *,
        wait: bool = True,
        ignore: tuple[str, ...] = (),
        script: Path | None = None,
        sockets: Callable[[Any], None] | None = None,
        broken: str | None = None,
        **how: Any,
    ) -> Any:
        settings = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **how}
        context = chromium.new_context(**settings)
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        host = urlsplit(url).netloc

        def watch(request: Any) -> None:
            where = urlsplit(request.url)
            if where.scheme.startswith("http") and where.netloc != host:
                wrong.append(request.url)

        def listen(message: Any) -> None:
            if message.type == "error" and not any(part in message.text for part in ignore):
                wrong.append(message.text)

        if script is not None:
            context.add_init_script(path=script)
        if sockets is not None:
            context.route_web_socket("**/live", sockets)
        if broken is not None:
            error = {"message": "it does not work today", "param": None}
            context.route(broken, lambda route: route.fulfill(status=500, json={"error": error}))
        page = context.new_page()
        page.on("request", watch)
        page.on("console", listen)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        if wait:
            drawn(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong
