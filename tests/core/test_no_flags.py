"""The command line's words stay in the command line: elsewhere, texts name fields."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[gepnor](?=[ ,.;)'\"`]|$))")
NOT_OURS = {
    "update_cards.py",  # a script with a flag of its own
    "installers.py",  # the flags of pip, uv and pipx
    "html.py",  # the variables of a style sheet
    "curves.py",
    "scripts.py",  # what SLURM runs is a shell's
    "submitting.py",  # the flags of sbatch
}
WORKSHOP = "c2l_demo_workshop"  # which has a command line of its own


def sources() -> list[Path]:
    folders = [ROOT / "core" / "c2l", ROOT / "registry", ROOT / "plugins"]
    cli = ROOT / "core" / "c2l" / "cli"
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [
        f
        for f in files
        if cli not in f.parents and f.name not in NOT_OURS and WORKSHOP not in f.parts
    ]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The string literals of a file, docstrings among them, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_a_flag(path: Path) -> None:
    found = [(line, flag) for line, text in texts(path) for flag in FLAG.findall(text)]
    assert not found
