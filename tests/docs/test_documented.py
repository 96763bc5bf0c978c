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


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (ROOT / link).exists(), link
