"""How soon the page of ``c2l serve`` shows pictures, measured in the browser that shows them.

    python benchmarks/page.py [--rounds N] [--recipe NAME]

Starts a server of its own, waits until it says that it is ready, and opens the page in Chromium
without a window. Times are those of the page's own clock: from the start of the navigation, or from
the event of a key, to the first frame that is drawn after a new picture was decoded.

- first: a visitor without a cache opens the page; when the first picture is shown, and when all;
- key: one letter, then a pause; when its preview is shown;
- burst: letters every 120 ms, as people type; from each letter to the next preview that is shown;
- drag: a slider is moved every 50 ms; from each move to the next preview that is shown.

Beside them is what the server took of it, by its own account.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import sync_playwright

WATCH = """
window.shown = [];
window.asked = [];
for (const type of ['input', 'click'])
    addEventListener(type, () => asked.push(performance.now()), {capture: true});
new MutationObserver((changes) => {
    for (const {addedNodes} of changes)
        for (const node of addedNodes)
            if (node.tagName === 'IMG' && node.closest('#wall'))
                requestAnimationFrame(() => shown.push(performance.now()));
}).observe(document, {childList: true, subtree: true});
"""
FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextmanager
def server(recipe: str) -> Iterator[str]:
    """A server's address, once it answers."""
    command = [sys.executable, "-m", "c2l", "serve", "--port", "0", "--recipe", recipe]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if found := re.search(r"http://\S+", line):
                    yield found[0]
                    break
        finally:
            process.terminate()


def first_pictures(browser: Any, url: str) -> tuple[float, float]:
    """A visitor's first picture and last one, ms."""
    page, _ = opened(browser, url)
    times: list[float] = page.evaluate("shown")
    page.context.close()
    return times[0], times[5]


def opened(browser: Any, url: str) -> tuple[Any, list[float]]:
    """The page with its pictures, and the list that the server's times are added to."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    took: list[float] = []

    def read(frame: str | bytes) -> None:
        took.append(json.loads(frame).get("timings", {}).get("total", 0.0))

    page.on("websocket", lambda socket: socket.on("framereceived", read))
    page.goto(url)
    page.wait_for_function("() => shown.length >= 6")
    page.wait_for_timeout(1500)
    took.clear()
    return page, took


def waits(page: Any, act: Any, times: int, pause: float) -> list[float]:
    """From each act to the next picture that is shown, ms."""
    page.evaluate("() => { shown.length = asked.length = 0; }")
    for number in range(times):
        act(number)
        page.wait_for_timeout(pause)
    page.wait_for_timeout(1500)
    asked, shown = page.evaluate("[asked, shown]")
    return [min(s for s in shown if s >= a) - a for a in asked if any(s >= a for s in shown)]


def row(name: str, times: Sequence[float], took: Sequence[float] = ()) -> str:
    ordered = sorted(times)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    server_part = f"{statistics.median(took):.0f}" if took else ""
    return (
        f"| {name} | {len(times)} | {statistics.median(times):.0f} | {late:.0f} | {server_part} |"
    )


def measure(url: str, rounds: int) -> Iterator[str]:
    """Rows of the table."""
    root = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *root])
        pairs = [first_pictures(browser, url) for _ in range(rounds)]
        yield row("first picture", [first for first, _ in pairs])
        yield row("all six pictures", [last for _, last in pairs])
        page, took = opened(browser, url)
        page.locator("#prompt").press("End")
        words = " by the sea in winter with a red hat"
        for name, pause in (("a letter, and a pause", 800), ("letters, every 120 ms", 120)):
            took.clear()
            times = waits(page, lambda n: page.keyboard.type(words[n % len(words)]), 30, pause)
            yield row(name, times, took)
        page.locator("#more-open").click()
        page.get_by_role("slider", name="Truncation").focus()
        took.clear()
        way = ["ArrowLeft", "ArrowLeft", "ArrowRight"]
        times = waits(page, lambda n: page.keyboard.press(way[n % 3]), 60, 50)
        yield row("a slider, every 50 ms", times, took)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--recipe", default="demo-faces")
    arguments = parser.parse_args()
    print("| what | times | median, ms | 95 %, ms | of it in the server, ms |")
    print("| --- | --- | --- | --- | --- |")
    with server(arguments.recipe) as url:
        for line in measure(url, arguments.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
