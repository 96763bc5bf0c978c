"""What users rely on is written down: names, commands, fields, exit codes, environment, hooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pluggy
import pytest
import typer
from doc_pages import PAGES, ROOT, code_of, section_of, text_of

import c2l
import c2l.errors
import c2l.ranges
import c2l.reading
import c2l.service
import c2l.testing
from c2l import hookspecs
from c2l.cli.app import app
from c2l.errors import C2LError, ExitCode
from c2l.sampling import operations
from c2l.sampling.record import FACTS
from c2l.service import Request, TrainingRun

REFERENCE = text_of("docs/reference.md")
WORDS = set(re.findall(r"\w+", code_of(REFERENCE)))


def names() -> Iterator[str]:
    """The public names of every public module."""
    for module in (c2l, c2l.errors, c2l.reading, c2l.service, c2l.testing):
        for name in module.__all__:
            if not name.startswith("__"):
                yield f"{module.__name__}.{name}"
    theirs = ("Annotated", "BeforeValidator", "Field")
    for name in vars(c2l.ranges):
        if name[0].isupper() and not name.isupper() and name not in theirs:
            yield f"c2l.ranges.{name}"


@pytest.mark.parametrize("name", list(names()))
def test_public_names(name: str) -> None:
    assert name.rpartition(".")[2] in WORDS


def leaves(command: Any, *words: str) -> Iterator[tuple[str, Any]]:
    """Every command, with the words that call it."""
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from leaves(inner, *words, word)
    if getattr(command, "invoke_without_command", True) and len(words) > 1:
        yield " ".join(words), command


COMMANDS = dict(leaves(typer.main.get_command(app), "c2l"))
OWN_PAGES = {
    "c2l pairs": "training",
    "c2l pairs submit": "scale",
    "c2l pairs status": "scale",
    "c2l pairs finish": "scale",
    "c2l pairs verify": "scale",
    "c2l train": "training",
    "c2l eval": "evaluation",
    "c2l recipes check": "evaluation",
    "c2l edit walk": "editing",
    "c2l edit mix": "editing",
    "c2l edit vary": "editing",
    "c2l edit direction": "editing",
    "c2l edit adhere": "editing",
    "c2l edit like": "editing",
    "c2l edit invert": "editing",
    "c2l edit video": "editing",
    "c2l serve": "serving",
    "c2l live": "live",
}


@pytest.mark.parametrize("words", COMMANDS)
def test_commands_and_their_options(words: str) -> None:
    assert re.search(rf"^\| `{words}\b", REFERENCE, re.M)
    page = f"docs/{OWN_PAGES.get(words, 'reference')}.md"
    told = set(re.findall(r"(?<!\S)-[-\w]+", code_of(text_of(page))))
    options = {flag for p in COMMANDS[words].params for flag in [*p.opts, *p.secondary_opts]
               if flag.startswith("--")}  # fmt: skip
    assert options - told - {"--help"} == set()


def test_fields_of_a_request() -> None:
    section = section_of("docs/reference.md", "The request")
    rows = re.findall(r"^\| (`.*?) \|(.*?)\| ", section, re.M)
    fields = [name for row, _ in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(fields) == sorted(["prompt", *Request.model_fields])
    # An option stands beside the field that it fills.
    flags = {p.name: {*p.opts} for p in COMMANDS["c2l sample"].params}
    for row, options in rows:
        wanted = {flag for name in re.findall(r"\w+", row) for flag in flags.get(name, ())
                  if name != "latents"}  # fmt: skip
        told = set(re.findall(r"-[-\w]+", options)) - {"--also", "--prompts-file"}
        assert told == {flag for flag in wanted if flag.startswith("-")}


def test_fields_of_a_training_run() -> None:
    words = set(re.findall(r"[\w]+", code_of(text_of("docs/training.md")).replace("-", "_")))
    assert set(TrainingRun.model_fields) - words == set()


def test_facts_of_a_record() -> None:
    section = section_of("docs/reference.md", "Records")
    assert sorted(re.findall(r"^\| `(\w+)` \| ", section, re.M)) == sorted(FACTS)


def test_operations_and_their_fields() -> None:
    section = section_of("docs/reference.md", "Operations on latents")
    told = {op: re.findall(r"`(\w+)`", fields)
            for op, fields in re.findall(r"^\| `(\w+)` \| (`.*?) \| ", section, re.M)}  # fmt: skip
    models = operations._Operation.__subclasses__()
    assert told == {
        model.model_fields["op"].default: [name for name in model.model_fields if name != "op"]
        for model in models
    }


def test_errors_and_their_exit_codes() -> None:
    section = section_of("docs/reference.md", "Errors")
    told = {name: int(code)
            for row, code in re.findall(r"^\| (`.*?) \| (\d+) \| ", section, re.M)
            for name in re.findall(r"`(\w+)`", row)}  # fmt: skip
    classes = [getattr(c2l.errors, name) for name in c2l.errors.__all__]
    errors = [c for c in classes if isinstance(c, type) and issubclass(c, C2LError)]
    assert told == {e.__name__: int(e.exit_code) for e in errors if e is not C2LError}


@pytest.mark.parametrize("code", list(ExitCode))
def test_exit_codes(code: ExitCode) -> None:
    assert re.search(rf"^\| {code.value} \| ", REFERENCE, re.M)


def test_environment_variables() -> None:
    sources = [p.read_text(encoding="utf-8") for f in ("core", "registry", "plugins")
               for p in (ROOT / f).rglob("*.py")]  # fmt: skip
    used = {name for text in sources for name in re.findall(r"\"(C2L_[A-Z_]+)\"", text)}
    assert used - {"C2L_"} == set(re.findall(r"^\| `(C2L_[A-Z_]+)`", REFERENCE, re.M))


def test_hooks() -> None:
    manager = pluggy.PluginManager("c2l")
    manager.add_hookspecs(hookspecs)
    for name, hook in vars(manager.hook).items():
        signature = f"`{name}({', '.join(hook.spec.argnames)})`"
        assert signature in REFERENCE


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_exists(page: str) -> None:
    for place, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", text_of(page)):
        target = ((ROOT / page).parent / place) if place else ROOT / page
        assert target.exists(), place
        if anchor:
            headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings]


def test_tables_of_the_docs_are_those_of_the_benchmarks() -> None:
    pages = [text_of(f"docs/{name}.md") for name in ("priors", "editing", "reference", "training")]
    found = [re.findall(r"<!-- from (\S+) -->\n(.*?)<!-- /from -->", t, re.S) for t in pages]
    assert list(map(len, found)) == [12, 3, 1, 1]
    blocks = [block for some in found for block in some]
    for name, block in blocks:
        measured = text_of(name).splitlines()
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert rows
        assert [row for row in rows if row not in measured] == []
