"""What goes wrong is said in words, and where it went wrong."""

from __future__ import annotations

from typing import Any

from browsing import drawn
from playwright.sync_api import expect
from served import serving

TOKEN = "open-sesame-0123456789"


def test_a_token_is_asked_for(visit: Any) -> None:
    with serving(token=TOKEN) as served:
        page = visit(served.url, wait=False, ignore=("401", "403", "WebSocket"))
        expect(page.locator("#token")).to_contain_text("asks for its token")
        page.locator("#token-field").fill("wrong")
        page.locator("#token-field").press("Enter")
        expect(page.locator("#token")).to_contain_text("does not know this token")
        page.locator("#token-field").fill(TOKEN)
        page.locator("#token-field").press("Enter")
        drawn(page)
        known = visit(f"{served.url}/#token={TOKEN}")
        assert known.url == f"{served.url}/"
        for one in (page, known):
            one.close()  # before the server is gone


def test_it_comes_back_when_the_server_does(visit: Any) -> None:
    sockets: list[Any] = []

    def pass_on(socket: Any) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    page = visit(sockets=pass_on)
    before = drawn(page)
    sockets[-1].close(code=1012, reason="restart")
    expect(page.locator("#connection")).to_have_text("Waiting for the server …")
    expect(page.locator("#connection")).to_have_text("")
    page.locator("#again").click()
    drawn(page, before)
    assert len(sockets) > 1


def test_it_draws_without_sockets(visit: Any) -> None:
    page = visit(sockets=lambda socket: socket.close())
    before = drawn(page)
    page.locator("#again").click()
    drawn(page, before)
    expect(page.locator("#connection")).to_have_text("")


def test_what_is_wrong_with_a_prompt_stands_at_the_prompt(visit: Any) -> None:
    page = visit()
    before = drawn(page)
    page.locator("#prompt").fill("man " * 800)
    expect(page.locator("#notices .wrong")).to_be_visible()
    page.locator("#prompt").fill("a man")
    drawn(page, before)
    expect(page.locator("#notices .wrong")).to_have_count(0)


def test_what_is_wrong_with_the_rest_stands_on_the_wall(visit: Any) -> None:
    page = visit()
    page.locator("#seed").fill("18446744073709551615")  # five more do not follow it
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#seed").fill("not a number")
    expect(page.locator("#seed")).to_have_attribute("aria-invalid", "true")


def test_a_server_without_recipes_says_so(visit: Any) -> None:
    page = visit(wait=False, ignore=("500",), broken="**/api/v1/recipes")
    expect(page.get_by_role("alert")).to_have_text("it does not work today")
