"""Looks at the page of a server as a visitor does."""

from __future__ import annotations

from typing import Any

WHOLE = """before => {
    const cells = [...document.querySelectorAll('#wall .cell')];
    const images = cells.map((cell) => [...cell.querySelectorAll('img')].at(-1));
    return cells.length > 0 && !document.querySelector('.side.busy')
        && images.every((image) => image?.src.startsWith('data:image/png'))
        && images[0].src !== before;
}"""
"""The wall is drawn in full quality, and differs from before."""

LAST = "all => all.map((frame) => [...frame.querySelectorAll('img')].at(-1)?.src)"


def drawn(page: Any, before: list[str] | None = None) -> list[str]:
    """Wait until the wall is drawn in full quality, and not as before; its pictures' addresses."""
    page.wait_for_function(WHOLE, arg=before and before[0])
    return pictures(page, "#wall .frame")


def pictures(page: Any, frames: str) -> list[str]:
    """What frames show, as addresses."""
    found: list[str] = page.eval_on_selector_all(frames, LAST)
    return found


def hero(page: Any) -> str:
    """The picture of the room."""
    return pictures(page, ".hero .frame")[0]


def hero_after(page: Any, before: str, kind: str = "png") -> str:
    """Wait for another picture in the room, in full quality unless told otherwise."""
    page.wait_for_function(
        """([before, start]) => {
            const src = [...document.querySelectorAll('.hero img')].at(-1)?.src;
            return src !== before && src.startsWith(start);
        }""",
        arg=[before, f"data:image/{kind}"],
    )
    return hero(page)


def enter(page: Any, number: int = 0) -> str:
    """Open a picture of the wall."""
    page.locator("#wall .cell").nth(number).click()
    page.locator("#room-wall").wait_for()
    return hero(page)
