"""Takes the screenshots of page.md with Chromium: ``python docs/make_screenshots.py``."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

OUT = Path(__file__).parent / "pictures"
PROMPT = "a middle aged man with a beard and a happy expression by the sea"
WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}


def wall(page: Any) -> None:
    """The page as it opens, with a prompt of its own."""


def turn(page: Any) -> None:
    """A picture with a slider of two words."""
    page.locator("#wall .cell").nth(1).click()
    page.locator("#tab-turn").click()
    page.get_by_label("From", exact=True).fill("a young person")
    page.get_by_label("To", exact=True).fill("an elderly person")
    strength = page.get_by_label("Strength, as a number").first
    page.wait_for_function("() => !document.querySelector('.turn .number').disabled")
    strength.fill("1")
    strength.press("Enter")
    page.locator("#room-head .title").focus()


def walk(page: Any) -> None:
    """From a picture to a prompt."""
    page.locator("#wall .cell").nth(2).click()
    page.locator("#tab-walk").click()
    page.get_by_label("Walk to").fill("a grinning kid with a red cap in the city")
    page.wait_for_function("() => document.querySelectorAll('#room-wall .cell img').length >= 9")
    page.locator("#room-wall .cell").nth(5).click()


def beside(page: Any) -> None:
    """Two recipes on one prompt and seed."""
    page.locator("#beside").select_option("demo-landscapes")


def take(browser: Any, url: str, name: str, show: Callable[[Any], None], **how: Any) -> None:
    context = browser.new_context(reduced_motion="reduce", **how)
    context.set_default_timeout(120_000)
    page = context.new_page()
    page.goto(url)
    page.locator("#wall .cell img").first.wait_for()
    page.locator("#lock").click()
    page.locator("#prompt").fill(PROMPT if show is not beside else "a sunset by the sea")
    page.locator("#seed").fill("12")
    page.wait_for_timeout(6000)
    show(page)
    page.wait_for_timeout(8000)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(OUT / f"page-{name}.webp", quality=82, method=6)
    context.close()


def main() -> None:
    recipes = ["--recipe", "demo-faces", "--recipe", "demo-landscapes"]
    command = [sys.executable, "-m", "c2l", "serve", "--port", "0", *recipes]
    root = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=root)
            take(browser, url, "wall", wall, color_scheme="light", **WIDE)
            take(browser, url, "turn", turn, color_scheme="dark", **WIDE)
            take(browser, url, "walk", walk, color_scheme="light", **WIDE)
            take(browser, url, "phone", beside, color_scheme="dark", **PHONE)
            browser.close()
        server.terminate()


if __name__ == "__main__":
    main()
