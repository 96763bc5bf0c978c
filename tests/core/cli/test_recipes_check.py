"""``c2l recipes check``: a table, a verdict, an exit code, and a report to attach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from c2l.cli.app import main
from c2l.errors import ExitCode

SMALL = ["--num-prompts", "24", "--num-fresh", "48"]


@pytest.mark.parametrize("recipe", ["demo-faces", "demo-landscapes"])
def test_the_demo_is_fine(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["recipes", "check", recipe, *SMALL, "--out", str(tmp_path / "report")]
    assert main(arguments) == ExitCode.OK
    printed = capsys.readouterr()
    assert "alignment" in printed.out and "normal" in printed.out
    assert "fine: it draws what prompts ask for" in printed.err
    assert f"report: {tmp_path / 'report' / 'check.md'}" in printed.err
    found = json.loads((tmp_path / "report" / "check.json").read_text(encoding="utf-8"))
    assert found["recipe"] == recipe and found["fault"] is None
    assert found["domain"] == recipe.removeprefix("demo-")
    low, high = found["normal"]["alignment"]
    assert low < found["scores"]["alignment"] < high


def test_parts_of_one_s_own(
    deaf_prior: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prior trained on made-up pairs: it listens to nothing."""
    arguments = ["recipes", "check", "-p", deaf_prior, *SMALL, "--json"]
    assert main(arguments) == ExitCode.FAILED
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["fault"] in ("embedder", "generator", "prior")
    assert found["prior"]["reference"] == "ridge:(a file)"
    assert found["verdict"] in printed.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nope"], 4, "there is no recipe 'nope'"),
        (["demo-faces", "--num-fresh", "3"], ExitCode.USAGE, "--num-fresh 3 is too few"),
        (["demo-faces", "--num-prompts", "0"], ExitCode.USAGE, "--num-prompts"),
        (["demo-faces", "--domain", "nope"], ExitCode.USAGE, "there is no domain and no file nope"),
        (["demo-faces", "-g", "stylegan:demo-landscapes"], ExitCode.INCOMPATIBLE, "does not fit"),
    ],
)
def test_what_it_refuses(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recipes", "check", *arguments]) == code
    assert says in capsys.readouterr().err
