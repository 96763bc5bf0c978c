"""The command line parses and prints, and nothing else: small, and on top of the service alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import c2l.cli

FILES = sorted(Path(c2l.cli.__file__).parent.glob("*.py"))
MAY_IMPORT = ("c2l.cli", "c2l.service", "c2l.errors", "c2l.version")
"""And ``c2l serve`` and ``c2l live`` start what they serve."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_sees_the_service_alone(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] in {"c2l", "c2l_registry", "torch", "pydantic"}:
                serves = path.stem in {"serve", "live"}
                may = (*MAY_IMPORT, "c2l.web.starting") if serves else MAY_IMPORT
                assert name.startswith(may), name
