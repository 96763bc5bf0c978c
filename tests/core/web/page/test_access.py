"""The page by keyboard alone, read aloud, on a phone, in the dark, and from right to left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import drawn, enter
from playwright.sync_api import expect

AXE = Path(__file__).parents[3] / "data" / "axe" / "axe.min.js"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def assert_accessible(page: Any) -> None:
    """axe-core finds nothing serious."""
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (violation["id"], [node["html"][:160] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert not serious


@pytest.mark.parametrize(
    "how", [{}, {**PHONE, "color_scheme": "dark"}], ids=["light and wide", "dark and narrow"]
)
def test_axe_finds_nothing_serious(visit: Any, how: dict[str, Any]) -> None:
    page = visit(script=AXE, **how)
    page.locator("#more-open").click()
    assert_accessible(page)
    page.locator("#help-open").click()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.locator("#past-open").click()
    page.locator(".entry").first.wait_for()
    assert_accessible(page)
    page.keyboard.press("Escape")
    page.locator("#more-open").click()
    enter(page)
    for tool in ("vary", "turn", "mix", "walk", "add", "facts"):
        page.locator(f"#tab-{tool}").click()
        assert_accessible(page)


def test_by_keyboard_alone(visit: Any) -> None:
    page = visit()
    keys = page.keyboard
    before = drawn(page)
    keys.press("/")
    expect(page.locator("#prompt")).to_be_focused()
    keys.press("Control+a")
    keys.type("an old man")
    drawn(page, before)
    cells = page.locator("#wall .cell")
    for _ in range(20):  # past the examples, which are as many as the recipe has
        if cells.first.evaluate("cell => cell === document.activeElement"):
            break
        keys.press("Tab")
    expect(cells.first).to_be_focused()
    keys.press("ArrowDown")
    expect(cells.nth(3)).to_be_focused()
    keys.press("ArrowRight")
    expect(cells.nth(4)).to_be_focused()
    keys.press("End")
    keys.press("Enter")
    expect(page.locator("#room-head .title")).to_be_focused()
    page.locator("#tab-vary").focus()
    keys.press("ArrowRight")
    expect(page.locator("#tab-turn")).to_be_focused()
    expect(page.locator("#panel-turn")).to_be_visible()
    keys.press("Escape")
    expect(cells.nth(5)).to_be_focused()
    seed = page.locator("#seed").input_value()
    keys.press("n")
    expect(page.locator("#seed")).not_to_have_value(seed)
    keys.press("l")
    expect(page.locator("#lock")).to_have_attribute("aria-pressed", "true")
    keys.press("m")
    expect(page.locator("#more")).to_be_visible()
    keys.press("?")
    page.get_by_label("single keys").uncheck()
    keys.press("Escape")
    keys.press("m")
    expect(page.locator("#more")).to_be_visible()


def test_pictures_have_names(visit: Any) -> None:
    page = visit()
    name = page.locator("#wall .cell").first.get_attribute("aria-label")
    seed = page.locator("#seed").input_value()
    assert name.startswith(f"picture 1 of 6, seed {seed}, score 0.")
    expect(page.locator("#spoken")).to_contain_text("6 pictures drawn, best score 0.")


def test_on_a_phone_nothing_sticks_out(visit: Any) -> None:
    page = visit(**PHONE)
    width = "() => document.scrollingElement.scrollWidth"
    assert page.evaluate(width) == 390
    page.locator("#more-open").click()
    expect(page.locator("#wall .cell").first).to_be_in_viewport()
    assert page.evaluate(width) == 390
    page.locator("#more-open").click()
    enter(page)
    for tool in ("vary", "turn", "mix", "walk"):
        page.locator(f"#tab-{tool}").click()
        assert page.evaluate(width) == 390
    expect(page.locator("#licence")).to_be_in_viewport()


def test_from_right_to_left(visit: Any) -> None:
    page = visit()
    page.locator("#prompt").fill("رجل عجوز")
    direction = "box => getComputedStyle(box).direction"
    assert page.locator("#prompt").evaluate(direction) == "rtl"
    page.locator("#prompt").fill("an old man")
    assert page.locator("#prompt").evaluate(direction) == "ltr"


def test_pictures_fade_where_motion_is_welcome(visit: Any) -> None:
    page = visit(reduced_motion="no-preference")
    before = drawn(page)
    page.locator("#again").click()
    drawn(page, before)
    page.wait_for_function(
        "() => document.querySelector('#wall .frame').querySelectorAll('img').length === 1"
    )
