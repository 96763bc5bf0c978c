"""Help pages: every command has one, without the notation of whatever parses it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from c2l.cli.app import app
from c2l.cli.tree import SECTIONS

ROOT: Any = typer.main.get_command(app)


def pages(command: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from pages(inner, (*words, name))


def shown(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    ROOT.main([*words, "--help"], prog_name="c2l", standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("words", list(pages()), ids=" ".join)
def test_a_page(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    page = shown(words, capsys)
    own, _, examples = page.partition("\nExamples:\n")
    assert page.startswith("Usage: " + " ".join(("c2l", *words)))
    for ugly in ("list[", "{", "default: (", "\b"):
        assert ugly not in own
    assert all(len(line) <= 80 for line in own.splitlines())
    for line in examples.splitlines():
        typed = shlex.split(line.partition(" > ")[0])
        assert tuple(typed[: len(words) + 1]) == ("c2l", *words)
        command = ROOT
        for word in words:
            command = command.commands[word]
        command.make_context(words[-1], typed[len(words) + 1 :])


def test_every_command_is_in_a_section(capsys: pytest.CaptureFixture[str]) -> None:
    names = [name for section in SECTIONS.values() for name in section.split()]
    assert sorted(names) == sorted(ROOT.commands)
    page = shown((), capsys)
    assert [page.index(f"\n  {name} ") for name in names] == sorted(
        page.index(f"\n  {name} ") for name in names
    )
