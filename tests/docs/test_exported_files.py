"""The section about exported files: two commands lead from a file to pictures, and all keys stand
in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import blocks_of, commands_in, section_of

from c2l.cli.app import main
from c2l_exported.facts import Facts

SECTION = section_of("docs/own_generator.md", "From an exported file")


def test_two_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks_of(SECTION, "python"):
        exec(compile(block, "own_generator", "exec", dont_inherit=True), {})
    commands = list(commands_in(SECTION))
    assert len(commands) == 2
    for words in commands:
        assert main(words) == 0
    assert len(list(Path("pictures").glob("a-red-picture-s*.png"))) == 4


def test_keys_of_the_toml() -> None:
    rows = re.findall(r"^\| (`\w+`.*?) \|", SECTION, re.M)
    told = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(Facts.model_fields)
