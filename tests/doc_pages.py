"""The pages of the documentation, and the code in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", *sorted(
    page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.md")
)]  # fmt: skip

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.M | re.S)


def text_of(page: str) -> str:
    """A page as it is."""
    return (ROOT / page).read_text(encoding="utf-8")


def section_of(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$(.*)", text_of(page), re.M | re.S)
    assert found, f"{page} has no heading '{heading}'"
    return re.split(rf"^#{{1,{len(found[1])}}} ", found[2], maxsplit=1, flags=re.M)[0]


def blocks_of(text: str, *languages: str) -> list[str]:
    """The fenced blocks in these languages; "" is one without."""
    return [
        "\n".join(line.removeprefix(indent) for line in body.splitlines())
        for indent, language, body in _BLOCK.findall(text)
        if language in languages
    ]


def spans_of(text: str) -> list[str]:
    """What stands in backquotes, blocks aside."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))


def code_of(text: str) -> str:
    """All code of a text."""
    return "\n".join([*spans_of(text), *(body for _, _, body in _BLOCK.findall(text))])


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of each line of the blocks that is a command ``c2l …``, without ``c2l``."""
    for block in blocks_of(text, "", "bash"):
        for line in block.splitlines():
            for command in re.split(r" && |^\$ ", line):
                words = shlex.split(command, comments=True) if command.startswith("c2l ") else []
                if words:
                    yield words[1:]
