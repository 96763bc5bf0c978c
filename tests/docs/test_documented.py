"""What users rely on is written down: exit codes, environment, hooks, and code that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pluggy
import pytest

from c2l import hookspecs
from c2l.errors import ExitCode

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", list(ExitCode))
def test_exit_codes(code: ExitCode) -> None:
    assert re.search(rf"^\| {code.value} \| ", REFERENCE, re.M)


def test_environment_variables() -> None:
    sources = [p.read_text(encoding="utf-8") for f in ("core", "registry", "plugins")
               for p in (ROOT / f).rglob("*.py")]  # fmt: skip
    used = {name for text in sources for name in re.findall(r"\"(C2L_[A-Z_]+)\"", text)}
    assert used
    assert used == set(re.findall(r"^\| `(C2L_[A-Z_]+)`", REFERENCE, re.M))


def test_hooks() -> None:
    manager = pluggy.PluginManager("c2l")
    manager.add_hookspecs(hookspecs)
    for name, hook in vars(manager.hook).items():
        signature = f"`{name}({', '.join(hook.spec.argnames)})`"
        assert signature in REFERENCE


def test_the_python_of_the_reference_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", REFERENCE, re.S)
    names: dict[str, object] = {}
    exec(compile(block, "docs/reference.md", "exec"), names)  # our own page, not a user's file
    assert tuple(names["images"].shape) == (3, 3, 128, 128)  # type: ignore[attr-defined]
    assert tuple(names["latents"].shape)[:2] == (3, 1)  # type: ignore[attr-defined]


PAGES = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", *sorted(
    str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")
)]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert ((ROOT / page).parent / link).exists(), link


def test_tables_of_the_docs_are_those_of_the_benchmarks() -> None:
    text = (ROOT / "docs" / "priors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- from (\S+) -->\n(.*?)<!-- /from -->", text, re.S)
    assert len(blocks) == 4
    for name, block in blocks:
        measured = (ROOT / name).read_text(encoding="utf-8").splitlines()
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert rows
        assert [row for row in rows if row not in measured] == []
