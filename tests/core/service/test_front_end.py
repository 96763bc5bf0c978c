"""Sixty lines over ``c2l.service`` do what ``c2l sample`` does: it holds no rule of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from c2l.cli import app
from c2l.errors import ExitCode

SOURCE = Path(__file__).with_name("argparse_front_end.py")


@pytest.fixture(scope="module")
def other() -> ModuleType:
    spec = importlib.util.spec_from_file_location("argparse_front_end", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_it_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) <= 60


@pytest.mark.parametrize(
    "options",
    [
        ["a man", "--seeds", "1-2"],
        ["a man", "--seeds", "7", "--also", "a kid:0.5", "--negative", "hat, glasses:2"],
        ["a lake", "--recipe", "demo-landscapes", "--seeds", "3", "--best-of", "3"],
        ["a man", "--seeds", "2", "--guidance", "2", "--steps", "4", "--truncation", "0.8"],
    ],
)
def test_pictures_and_records_are_equal_to_the_byte(
    other: ModuleType, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["sample", *options, "--out", "one"]) == 0
    first = capsys.readouterr().out
    assert other.main([*options, "--out", "other"]) == 0
    assert capsys.readouterr().out == first.replace("one/", "other/")
    assert files("one") == files("other")
    picture = first.splitlines()[0]
    assert app.main(["sample", "--from", picture, "--out", "one-again"]) == 0
    assert other.main(["--from", picture, "--out", "other-again"]) == 0
    assert files("one-again") == files("other-again")


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        (["a man", "--guidance", "nan"], ExitCode.USAGE, "guidance"),
        (["a man", "--seeds", "x"], ExitCode.USAGE, "seeds"),
        ([""], ExitCode.USAGE, "prompts"),
        ([], ExitCode.USAGE, "prompt"),
        (["a man", "--recipe", "none"], ExitCode.NOT_FOUND, ""),
    ],
)
def test_errors_name_fields(
    other: ModuleType,
    options: list[str],
    code: ExitCode,
    field: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert other.main(options) == code
    err = capsys.readouterr().err
    assert err.startswith(f"{field}: ") and "--" not in err
