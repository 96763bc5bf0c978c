"""What can be made of one picture."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from browsing import enter, hero_after
from PIL import Image
from playwright.sync_api import expect


def go_on(page: Any) -> None:
    page.get_by_role("button", name="Go on from this one").click()


def test_vary_and_step_back(visit: Any) -> None:
    page = visit()
    before = enter(page, 1)
    neighbours = page.locator("#room-wall .cell:not([aria-disabled])")
    expect(neighbours).to_have_count(8)
    neighbours.nth(2).click()
    varied = hero_after(page, before)
    page.get_by_role("button", name="One step back").click()
    assert hero_after(page, varied) == before
    page.get_by_role("button", name="All pictures").click()
    expect(page.locator("#wall .cell").nth(1)).to_be_focused()


def test_turn_by_a_slider_of_two_words(visit: Any) -> None:
    page = visit()
    before = enter(page)
    page.locator("#tab-turn").click()
    page.get_by_label("From", exact=True).fill("a young person")
    page.get_by_label("To", exact=True).fill("an elderly person")
    strength = page.get_by_label("Strength, from a young person to an elderly person")
    strength.focus()
    for _ in range(3):
        strength.press("PageUp")
    turned = hero_after(page, before)
    page.get_by_role("button", name="Before").click()
    assert hero_after(page, turned) == before
    page.get_by_role("button", name="Before").click()
    go_on(page)
    page.locator("#tab-facts").click()
    page.locator("summary", has_text="As JSON").click()
    record = json.loads(page.locator("pre").inner_text())
    assert record["latents"]["op"] == "direction"
    # The words of the slider are there for the next picture, and after a reload.
    page.locator("#tab-turn").click()
    expect(page.get_by_label("From", exact=True)).to_have_value("a young person")
    page.get_by_role("button", name="Remove this slider").click()
    expect(page.get_by_label("From", exact=True)).to_have_value("")


def test_what_cannot_be_turned_is_said_at_the_slider(visit: Any) -> None:
    page = visit(ignore=("400",))
    enter(page)
    page.locator("#tab-turn").click()
    page.get_by_label("From", exact=True).fill("a man")
    page.get_by_label("To", exact=True).fill("a man")
    expect(page.locator(".turn .wrong")).to_be_visible()


def test_mix_layers_of_two(visit: Any) -> None:
    page = visit()
    before = enter(page)
    page.locator("#tab-mix").click()
    coarse = hero_after(page, before)
    page.get_by_role("button", name="Fine half").click()
    fine = hero_after(page, coarse)
    page.get_by_label("Layer 11").uncheck()
    hero_after(page, fine)
    page.locator(".picker .cell").nth(3).click()
    expect(page.locator(".picker .cell").nth(3)).to_have_attribute("aria-current", "true")


def test_walk_as_a_strip_and_as_a_video(visit: Any) -> None:
    page = visit()
    before = enter(page)
    page.locator("#tab-walk").click()
    page.get_by_label("Walk to").fill("an old man by the sea")
    steps = page.locator("#room-wall .cell:not([aria-disabled])")
    expect(steps).to_have_count(9)
    steps.nth(8).click()
    last = hero_after(page, before, "webp")
    page.get_by_role("slider", name="Where").press("Home")
    assert hero_after(page, last) == before
    page.get_by_role("button", name="Play").click()
    hero_after(page, before, "webp")
    page.get_by_role("button", name="Stop").click()
    page.get_by_label("Seconds, as a number").fill("1")
    page.get_by_label("Seconds, as a number").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a video").click()
    with Image.open(download.value.path()) as video:
        assert video.format == "WEBP"
        assert getattr(video, "n_frames", 1) > 20


def test_add_one_more_thing(visit: Any) -> None:
    page = visit()
    before = enter(page)
    page.locator("#tab-add").click()
    page.locator("#add-to").fill("with a red cap")
    page.locator("#add-to").press("Enter")
    hero_after(page, before)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "sea.jpg"
    Image.linear_gradient("L").convert("RGB").resize((300, 200)).save(path)
    return path


def test_a_photograph_as_a_prompt(visit: Any, photo: Path) -> None:
    page = visit()
    before = page.locator("#wall .frame img").last.get_attribute("src")
    page.locator("#photo-file").set_input_files(photo)
    expect(page.get_by_alt_text("The photograph sea.jpg")).to_be_visible()
    page.wait_for_function(
        "before => [...document.querySelectorAll('#wall img')].at(-1).src !== before", arg=before
    )
    page.get_by_role("slider", name="Photograph or words").press("End")
    page.get_by_role("button", name="Take it away").click()
    expect(page.locator("#photo")).to_be_hidden()
    expect(page.locator("#photo-open")).to_be_focused()


def test_a_photograph_is_found(visit: Any, photo: Path) -> None:
    page = visit()

    def in_a_hurry(route: Any) -> None:
        asked = route.request.post_data_json
        asked["request"]["steps"] = 2
        route.continue_(post_data=json.dumps(asked))

    page.route("**/api/v1/jobs", in_a_hurry)
    page.locator("#photo-file").set_input_files(photo)
    page.get_by_role("button", name="Find it").click()
    expect(page.locator("#room-head .title")).to_have_text("Found for a photograph")
    expect(page.get_by_alt_text("The photograph", exact=True)).to_be_visible()


def test_dropping_a_photograph(visit: Any) -> None:
    page = visit()
    data = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(data, "PNG")
    page.evaluate(
        """bytes => {
            const dataTransfer = new DataTransfer();
            const file = new File([new Uint8Array(bytes)], 'sea.png', {type: 'image/png'});
            dataTransfer.items.add(file);
            for (const type of ['dragenter', 'drop'])
                dispatchEvent(new DragEvent(type, {dataTransfer, cancelable: true}));
        }""",
        list(data.getvalue()),
    )
    expect(page.get_by_alt_text("The photograph sea.png")).to_be_visible()
    expect(page.locator("#drop")).to_be_hidden()
