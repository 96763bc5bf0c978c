"""What outlives the moment: history, files, and what is copied."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from browsing import drawn, enter, hero_after
from PIL import Image
from playwright.sync_api import expect

import c2l
from c2l.cli.app import main
from c2l.service import read_record


def test_history_survives_a_reload(visit: Any) -> None:
    page = visit()
    first = drawn(page)
    seed = page.locator("#seed").input_value()
    page.locator("#recipe").select_option("demo-landscapes")
    page.locator(".example", has_text="tropical beach").click()
    drawn(page, first)
    page.locator("#past-open").click()
    expect(page.locator(".entry-title").first).to_have_text("tropical beach")
    page.reload()
    second = drawn(page)
    expect(page.locator("#prompt")).to_have_value("tropical beach")
    page.keyboard.press("h")
    page.locator(".entry").last.click()
    expect(page.locator("#recipe")).to_have_value("demo-faces")
    expect(page.locator("#seed")).to_have_value(seed)
    assert drawn(page, second) == first
    page.locator("#past-open").click()
    page.get_by_role("button", name="Forget “tropical beach”").click()
    expect(page.locator(".entry-title", has_text="tropical beach")).to_have_count(0)
    page.get_by_role("button", name="Forget all").click()
    page.get_by_role("button", name="Really forget all?").click()
    expect(page.locator("#past .empty")).to_be_visible()


def test_a_picture_is_kept_with_its_record(visit: Any, tmp_path: Path) -> None:
    page = visit()
    before = enter(page)
    page.locator("#room-wall .cell:not([aria-disabled])").first.click()
    hero_after(page, before)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    path = tmp_path / "kept.png"
    download.value.save_as(path)
    record = read_record(path)
    assert record["latents"]["op"] == "vary"
    assert download.value.suggested_filename.startswith("a-young-blonde-woman-with-eyeglasses")
    # Dropped on a page that knows nothing of it, it is there again.
    other = visit()
    other.locator("#photo-file").set_input_files(path)
    other.locator("#room-wall").wait_for()
    other.locator("#tab-facts").click()
    expect(other.locator(".facts")).to_contain_text(str(record["version"]))
    # And it is in the history of the first.
    page.locator("#past-open").click()
    expect(page.locator(".entry")).to_have_count(2)


def test_a_plain_picture_restores_what_was_asked(visit: Any, tmp_path: Path) -> None:
    pipeline = c2l.load_pipeline("demo-landscapes")
    (path,) = pipeline("a snowy forest", seed=5, truncation=0.8).save(tmp_path)
    page = visit()
    before = drawn(page)
    page.locator("#photo-file").set_input_files(path)
    expect(page.locator("#prompt")).to_have_value("a snowy forest")
    expect(page.locator("#seed")).to_have_value("5")
    expect(page.locator("#recipe")).to_have_value("demo-landscapes")
    assert len(drawn(page, before)) == 1


@pytest.fixture
def copied(visit: Any, served: Any) -> Any:
    """What `Copy as` gives, of a wall of two, as a function of the way."""
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    page.locator("#prompt").fill('a man with a "hat" & it\'s red')
    page.locator("#seed").fill("7")
    page.locator("#more-open").click()
    page.get_by_label("Pictures, as a number").fill("2")
    page.get_by_label("Pictures, as a number").press("Enter")
    page.get_by_label("Leave out").fill("glasses")
    page.get_by_label("Truncation, as a number").fill("0.8")
    page.get_by_label("Truncation, as a number").press("Enter")

    def copy(way: str, where: str = "#copy") -> str:
        page.locator(f"{where} summary.quiet").click()
        page.locator(where).get_by_role("button", name=way).click()
        expect(page.locator("#toast")).to_contain_text(way)
        text: str = page.evaluate("navigator.clipboard.readText()")
        return text

    copy.page = page  # type: ignore[attr-defined]
    return copy


def test_what_is_copied_draws_the_same(
    copied: Any, client: httpx2.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = shlex.split(copied("Command line"))
    assert command[0] == "c2l"
    assert main([*command[1:], "--out", "by-command"]) == 0
    names: dict[str, Any] = {}
    exec(copied("Python"), names)
    curl = shlex.split(copied("curl"))
    answer = client.post(curl[2], content=curl[-1], headers={"Content-Type": "application/json"})
    records = [picture["record"] for picture in answer.json()["pictures"]]
    by_command = sorted(p for p in Path("by-command").iterdir() if "grid" not in p.name)
    for made in ([read_record(path) for path in by_command], [p.record for p in names["result"]]):
        for mine, its in zip(made, records, strict=True):
            told = ("prompt", "seed", "negative", "truncation", "recipe")
            assert {name: mine[name] for name in told} == {name: its[name] for name in told}
    assert [record["seed"] for record in records] == [7, 8]


def test_an_edited_picture_is_copied_as_well(
    copied: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = copied.page
    before = enter(page)
    page.locator("#room-wall .cell:not([aria-disabled])").first.click()
    hero_after(page, before)
    names: dict[str, Any] = {}
    exec(copied("Python", ".actions"), names)
    assert names["picture"].record["latents"]["op"] == "vary"
    file = copied("Command line", ".actions").split("\n")[1]
    Path("picture.json").write_text(file, encoding="utf-8")
    assert main(["sample", "--from", "picture.json", "--out", "again"]) == 0
    (again,) = Path("again").glob("*.png")
    drawn_by_python = np.asarray(names["picture"].pil(), dtype=float)
    assert np.abs(np.asarray(Image.open(again), dtype=float) - drawn_by_python).max() <= 1
