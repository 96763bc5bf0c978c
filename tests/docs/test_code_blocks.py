"""The code in the documentation runs: Python as it stands, commands as far as their options."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from doc_pages import PAGES, ROOT, blocks_of, commands_in, section_of, spans_of, text_of

from c2l.cli.app import app, main
from c2l.cli.commands import Command, CommandGroup, add
from c2l.service import Request, Session, read_request, typed_request
from c2l.testing import assert_conforms

ROOT_COMMAND: Any = typer.main.get_command(app)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(blocks: list[str], page: str) -> dict[str, Any]:
    """Run blocks one after the other, and return their names."""
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        # Our own page, not a user's file; this file's own __future__ is not the page's.
        exec(compile(block, page, "exec", dont_inherit=True), names)
    return names


RUN_ELSEWHERE = {"docs/http.md"}  # by test_http_page.py, against a server
WITH_PYTHON = [page for page in PAGES if blocks_of(text_of(page), "python")]


@pytest.mark.parametrize("page", sorted(set(WITH_PYTHON) - RUN_ELSEWHERE))
def test_python(page: str) -> None:
    run(blocks_of(text_of(page), "python"), page)


def test_what_the_reference_says_of_shapes() -> None:
    """A comment that begins with a shape tells that of what stands on its line."""
    blocks = blocks_of(section_of("docs/reference.md", "Parts"), "python")
    names = run(["import c2l", *blocks], "reference")
    told = re.findall(r"^(.*?)  # (\(\d[^)]*\))", "\n".join(blocks), re.M)
    assert len(told) > 5
    for code, shape in told:
        value = eval(code.partition(" = ")[2] if " = " in code else code, names)
        assert str(tuple(value.shape)) == shape, code


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and its arguments."""
    command = ROOT_COMMAND
    while words[:1] == ["--plugin"]:
        words = words[2:]
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


EXAMPLES = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("examples/*/README.md"))
WITH_COMMANDS = [*PAGES, *EXAMPLES]
COMMANDS = [(page, words) for page in WITH_COMMANDS for words in commands_in(text_of(page))]


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 15
    assert {page for page, _ in COMMANDS} >= {"README.md", "docs/reference.md", "docs/training.md"}


@pytest.mark.parametrize(("page", "words"), COMMANDS)
def test_commands_parse(page: str, words: list[str]) -> None:
    command, arguments = command_of(words)
    assert isinstance(command, (Command, CommandGroup))
    command.make_context(words[0], [word for word in arguments if word != "…"])


def flags_of(command: Any) -> set[str]:
    own = {flag for p in command.params for flag in [*p.opts, *p.secondary_opts]}
    root = {flag for p in ROOT_COMMAND.params for flag in p.opts}
    return own | root | {"--help"}


def all_flags(command: Any = ROOT_COMMAND) -> Iterator[str]:
    yield from flags_of(command)
    for inner in getattr(command, "commands", {}).values():
        yield from all_flags(inner)


@pytest.mark.parametrize("page", PAGES)
def test_options_in_the_text_exist(page: str) -> None:
    for span in spans_of(text_of(page)):
        used = set(re.findall(r"(?<!\S)-(?:-[a-z][-a-z]*|[a-z])\b", span))
        if span.startswith("c2l "):
            command, _ = command_of(span.split()[1:])
            assert used <= flags_of(command), span
        elif span.startswith("-"):
            assert used <= set(all_flags()), span


def test_five_spellings() -> None:
    """The command line, TOML, JSON and Python ask for the same, and the record draws it again."""
    section = section_of("docs/reference.md", "Five spellings")
    (toml,), (raw,), (python,) = (blocks_of(section, name) for name in ("toml", "json", "python"))
    ((_, *arguments),) = commands_in(section)
    request = Request(**tomllib.loads(toml))
    asked = request.to_dict()
    assert Request(**json.loads(raw)).to_dict() == asked

    command, _ = command_of(["sample"])
    given = {**command.make_context("sample", arguments).params}
    for name in ("out", "latents", "accept_licence", "accept_programs", "as_json", "device"):
        given.pop(name)
    assert typed_request(**given).to_dict() == asked

    result = run([python], "reference")["result"]
    drawn = list(Session().draw(request))
    assert list(map(dict, result.records)) == [dict(picture.record) for picture in drawn]

    (path, *_) = result.save("pictures")
    (again,) = Session().draw(read_request(path))
    torch.testing.assert_close(again.image, result[0].image, rtol=0, atol=1e-3)


def test_the_record_in_the_reference() -> None:
    """It is that of the first picture of the five spellings."""
    (block,) = blocks_of(section_of("docs/reference.md", "Records"), "json")
    (toml,) = blocks_of(section_of("docs/reference.md", "Five spellings"), "toml")
    told = json.loads(block)
    picture = next(Session().draw(Request(**tomllib.loads(toml), device="cpu")))
    assert told.pop("score") == pytest.approx(picture.record["score"], abs=2e-3)
    assert told == {name: value for name, value in picture.record.items() if name != "score"}


def test_operations_in_the_reference() -> None:
    (block,) = blocks_of(section_of("docs/reference.md", "Operations on latents"), "json")
    (picture,) = Session().draw(Request(**json.loads(block)))
    assert picture.record["latents"]["at"] == 0.25
    assert 0 < picture.score < 1


def test_the_prior_of_contributing_keeps_the_laws() -> None:
    section = section_of("CONTRIBUTING.md", "Add a prior in four steps")
    assert_conforms(run(blocks_of(section, "python"), "CONTRIBUTING.md")["LinePrior"])


def test_the_command_of_contributing_lists_licences(capsys: pytest.CaptureFixture[str]) -> None:
    section = section_of("CONTRIBUTING.md", "Add a command in three steps")
    names = run(blocks_of(section, "python"), "CONTRIBUTING.md")
    own = typer.Typer()
    own.callback()(lambda: None)
    add(own, "licences", names["licences"])
    typer.main.get_command(own).main(["licences"], standalone_mode=False)
    rows = capsys.readouterr().out.splitlines()
    assert any(re.match(r"stylegan:demo-faces +Apache-2.0", row) for row in rows)


def test_toml_of_the_pages_is_toml() -> None:
    for page in PAGES:
        for block in blocks_of(text_of(page), "toml"):
            tomllib.loads(block)


def test_a_network_of_twenty_lines_and_six_lines_to_pictures() -> None:
    section = section_of("docs/own_generator.md", "Wrap a network")
    network, pictures, *_ = blocks_of(section, "python")
    (body,) = re.findall(r"^class .*", network, re.M | re.S)
    assert len(body.splitlines()) <= 20
    assert len(pictures.strip().splitlines()) <= 7  # six, and a blank one below the import
    run([network, pictures], "own_generator")
    assert len(list(Path("pictures").glob("*-s[0-9].png"))) == 4


def test_a_file_of_your_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the page describes, in its commands."""
    network, *_ = blocks_of(section_of("docs/own_generator.md", "Wrap a network"), "python")
    scenes, _ = blocks_of(section_of("docs/own_generator.md", "Register a class"), "python")
    source = f"import c2l\n{network}\n{scenes}"
    Path("scenes.py").write_text(source, encoding="utf-8")
    Path("discs.safetensors").write_text("weights", encoding="utf-8")
    monkeypatch.setenv("C2L_PLUGINS", "")  # which the commands add to
    for words in commands_in(section_of("docs/own_generator.md", "A file of your own")):
        assert main(words) == 0
    assert len(list(Path("pictures").glob("*-s*.png"))) == 4
