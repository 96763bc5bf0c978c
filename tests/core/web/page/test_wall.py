"""What is asked for, and the wall of pictures that shows it."""

from __future__ import annotations

from typing import Any

import httpx2
from browsing import drawn
from playwright.sync_api import expect


def seed_of(page: Any) -> str:
    found: str = page.locator("#seed").input_value()
    return found


def test_it_opens_with_an_example_and_redraws_as_one_types(visit: Any) -> None:
    page = visit()
    prompt = page.locator("#prompt")
    expect(prompt).to_have_value("a young blonde woman with eyeglasses and ear rings")
    expect(page.locator("#licence")).to_have_text("demo-faces: Apache-2.0")
    before, seed = drawn(page), seed_of(page)
    assert len(before) == 6
    prompt.press("End")
    prompt.press_sequentially(" by the zyxt sea")
    after = drawn(page, before)
    assert not set(before) & set(after)
    assert seed_of(page) == seed
    expect(page.locator(".notice.words")).to_contain_text("'zyxt'")
    assert page.title().startswith("a young blonde woman")
    prompt.fill("")
    expect(page.locator(".side .empty")).to_contain_text("Write what you want to see")


def test_the_first_picture_is_that_of_its_seed(visit: Any, client: httpx2.Client) -> None:
    page = visit()
    before = drawn(page)
    page.locator("#more-open").click()
    page.get_by_role("slider", name="Pictures", exact=True).press("Home")
    page.locator("#seed").fill("18446744073709551615")
    page.locator("#prompt").fill("an old man")
    (shown,) = drawn(page, before)
    asked = '{"prompt": "an old man", "seed": 18446744073709551615}'
    json = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/sample", content=asked, headers=json).json()
    assert answer["pictures"][0]["record"]["seed"] == 2**64 - 1
    page.locator("#wall .cell").first.click()
    page.locator("#tab-facts").click()
    expect(page.locator(".facts")).to_contain_text("18446744073709551615")
    assert shown.removeprefix("data:image/png;base64,") == answer["pictures"][0]["image"]


def test_dice_and_lock(visit: Any) -> None:
    page = visit()
    before, seed = drawn(page), seed_of(page)
    page.locator("#again").click()
    before, other = drawn(page, before), seed_of(page)
    assert other != seed
    page.locator("#lock").click()
    expect(page.locator("#lock")).to_have_attribute("aria-pressed", "true")
    page.locator(".example").first.click()
    drawn(page, before)
    assert seed_of(page) == other
    page.locator("#lock").click()
    page.locator("#prompt").press("Enter")
    assert seed_of(page) != other


def test_settings_lie_behind_more(visit: Any) -> None:
    page = visit()
    before = drawn(page)
    truncation = page.get_by_label("Truncation", exact=True)
    expect(truncation).to_be_hidden()
    page.locator("#more-open").click()
    for name in ("Guidance", "Adherence", "Steps", "Best of", "Pictures"):
        expect(page.get_by_role("slider", name=name, exact=True)).to_be_visible()
    truncation.focus()
    truncation.press("PageDown")
    less = drawn(page, before)
    page.get_by_label("Truncation: leave it to the recipe").click()
    assert drawn(page, less) == before
    page.get_by_label("Pictures, as a number").fill("2")
    page.get_by_label("Pictures, as a number").press("Enter")
    expect(page.locator("#wall .cell")).to_have_count(2)
    page.get_by_label("Leave out").fill("hat")
    assert len(drawn(page, before)) == 2


def test_words_of_negation_are_moved_where_they_work(visit: Any) -> None:
    page = visit()
    page.locator("#prompt").fill("a man without a beard")
    page.get_by_role("button", name="Leave out: beard").click()
    expect(page.locator("#prompt")).to_have_value("a man")
    expect(page.locator("#negative")).to_have_value("beard")


def test_two_recipes_side_by_side(visit: Any) -> None:
    page = visit()
    page.locator("#beside").select_option("demo-landscapes")
    expect(page.locator(".side")).to_have_count(2)
    page.locator("#prompt").fill("a mountain")
    page.wait_for_function(
        "() => document.querySelectorAll('#wall .cell:not([aria-disabled])').length === 12"
    )
    expect(page.locator("#licence")).to_have_text(
        "demo-faces: Apache-2.0; demo-landscapes: Apache-2.0"
    )
    seeds = page.locator("#wall .caption span:first-child").all_inner_texts()
    assert seeds[:6] == seeds[6:]
    expect(page.locator(".notice.far").first).to_contain_text("stylegan:demo-faces")
    page.locator("#beside").select_option("")
    expect(page.locator(".side")).to_have_count(1)
    page.locator("#recipe").select_option("demo-landscapes")
    expect(page.locator(".example").first).to_have_text("tropical beach")


def test_a_class_is_chosen_where_there_are_some(
    visit: Any, client: httpx2.Client, served: Any
) -> None:
    """The server of the tests has a recipe without: told one all the same, it says so."""
    client.post("/api/v1/recipes/demo-faces/load")
    page = visit()
    page.locator("#more-open").click()
    kind = page.get_by_label("Class", exact=True)
    expect(page.locator("#sliders")).to_be_visible()
    expect(kind).to_be_hidden()

    def answer(route: Any) -> None:
        offered = route.fetch().json()
        offered["recipes"][0]["facts"]["classes"] = ["tench", "golden retriever"]
        route.fulfill(json=offered)

    page.route("**/api/v1/recipes", answer)
    page.reload()
    drawn(page)
    kind.select_option("golden retriever")
    expect(page.locator(".side .empty.wrong")).to_contain_text("demo-faces has no classes")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    page.locator("#copy summary").click()
    page.locator("#copy").get_by_role("button", name="Command line").click()
    expect(page.locator("#toast")).to_contain_text("Command line")
    assert page.evaluate("navigator.clipboard.readText()").endswith(" --class 1")
    kind.select_option("the prompt chooses")
    expect(page.locator(".side .empty.wrong")).to_have_count(0)
    expect(page.locator(".pictures.stale")).to_have_count(0)
