"""ARCHITECTURE.md describes the house as it is: its layers, and the walk from prompt to PNG."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doc_pages import ROOT, section_of
from PIL import Image

import c2l
from c2l.cli.app import main
from c2l.sampling.request import Request


def test_layers_are_those_of_the_contract() -> None:
    section = section_of("ARCHITECTURE.md", "Inside c2l, from the ground up")
    told = [re.findall(r"`(\w+)`", row) for row in re.findall(r"^\| (`.*?) \| ", section, re.M)]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [c for c in project["tool"]["importlinter"]["contracts"] if "exhaustive" in c]
    layers = [re.findall(r"(?<!\()\b\w+", layer) for layer in reversed(contract["layers"])]
    assert told == layers


def modules_on_the_way() -> list[str]:
    """The files of c2l that are on the stack, from the outside in, the one that asks aside."""
    frame, found = sys._getframe(2), []
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith("c2l."):
            found.append(name.removeprefix("c2l.").replace(".", "/") + ".py")
        frame = frame.f_back  # type: ignore[assignment]
    return found[::-1]


def test_the_walk_from_prompt_to_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called on the way is called through the modules that the page names."""
    passed: set[str] = set()

    def watch(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def watched(*arguments: Any, **keywords: Any) -> Any:
            passed.update(modules_on_the_way())
            return original(*arguments, **keywords)

        monkeypatch.setattr(owner, name, watched)

    parts = c2l.load_pipeline()
    watch(Request, "__init__")
    watch(type(parts.embedder), "embed_text")
    watch(type(parts.prior), "_sample")
    watch(type(parts.generator), "synthesize")
    watch(Image.Image, "save")
    assert main(["sample", "a man", "--num", "1", "--out", str(tmp_path)]) == 0

    section = section_of("ARCHITECTURE.md", "From prompt to PNG")
    named = re.findall(r"`([\w/]+\.py)`", section)
    steps = re.findall(r"^\d\. `([\w/]+\.py)`", section, re.M)
    on_the_way = {name for name in passed if not name.startswith("cli/")}
    assert set(steps) <= on_the_way <= set(named)
    assert len(steps) == 6
