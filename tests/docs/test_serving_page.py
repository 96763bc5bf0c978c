"""docs/serving.md tells the options, limits, metrics and errors that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from doc_pages import section_of
from faked_engine import engine_with

from c2l.cli.app import app
from c2l.web import errors, middleware
from c2l.web.metrics import Metrics
from c2l.web.settings import Limits
from c2l.web.uploads import MOST_PIXELS

PAGE = "docs/serving.md"


def test_defaults_of_options() -> None:
    command: Any = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    rows = re.findall(r"^\| (`--.*?) \| (.*?) \|", section_of(PAGE, "Options"), re.M)
    told = {flag: value for flags, value in rows for flag in re.findall(r"--[\w-]+", flags)}
    for parameter in command.params:
        flag = max(parameter.opts, key=len)
        if isinstance(parameter.default, int | float) and flag != "--help":
            assert float(told[flag]) == parameter.default, flag


def test_limits() -> None:
    text = section_of(PAGE, "Limits")
    limits = Limits()
    for number in (limits.pictures, limits.candidates, limits.steps, limits.optimise,
                   limits.prompt, limits.per_client):  # fmt: skip
        assert re.search(rf"[ ;]{number:,}[ ;]", text), number
    assert f"{MOST_PIXELS // 10**6} million" in text and f"{limits.body >> 20} MiB" in text
    assert f"{limits.header_seconds:.0f} s; {limits.body_seconds:.0f} s" in text


def test_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    told = set(re.findall(r"`(c2l_\w+)`", section_of(PAGE, "Health and metrics")))
    there = set()
    for metric in Metrics(engine_with(monkeypatch)).registry.collect():
        if metric.name.startswith("c2l_"):
            there.add(metric.name + ("_total" if metric.type == "counter" else ""))
    assert told == there


def test_errors() -> None:
    section = section_of(PAGE, "Errors")
    rows = re.findall(r"^\| ([\d, ]+) \| (.*?) \|", section, re.M)
    told = {code for _, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    used = set()
    for source in [Path(errors.__file__), *Path(middleware.__path__[0]).glob("*.py")]:
        used |= set(re.findall(r"code=\"(\w+)\"", source.read_text(encoding="utf-8")))
    used |= {code for _, code in errors._REFUSALS.values()} | set(errors._HTTP_CODES.values())
    assert told == used
