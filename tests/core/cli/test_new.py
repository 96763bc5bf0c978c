"""``c2l new``: what it prints, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from c2l.cli.app import app, main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("interface", ["generator", "embedder", "prior"])
def test_it_says_what_was_written_and_what_is_next(
    interface: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", interface, "my-own"]) == 0
    said = capsys.readouterr()
    assert not said.err
    folder, *lines = said.out.splitlines()
    assert folder == "c2l-my-own:"
    middle = lines.index("next:")
    assert all((here / "c2l-my-own" / line.strip()).is_file() for line in lines[:middle])
    install, *commands = [line.strip() for line in lines[middle + 1 :]]
    assert install == "pip install -e ./c2l-my-own"
    assert len(commands) == 2
    root = typer.main.get_command(app)
    for command in commands:
        _, *words = command.split()
        root.make_context("c2l", words)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "prior", "my-own", "--out", "mine", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert list(row) == ["name", "folder", "files", "commands"]
    assert (row["name"], row["folder"]) == ("my-own", "mine")
    assert "pyproject.toml" in row["files"]
    assert row["commands"][0] == "pip install -e ./mine"


def test_it_needs_no_torch() -> None:
    code = """
import sys
from c2l.cli.app import main
main(["new", "generator", "my-own"])
sys.exit("torch" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["new", "generator", "My GAN"], 2, "Use a name like my-gan"),
        (["new", "generator", "stylegan"], 2, "the name stylegan is taken"),
        (["new", "prior", "my-own", "--out", "."], 2, "Choose another folder with --out"),
        (["new", "prior", "my-own", "--out", "file/below"], 1, "cannot write"),
        (["new", "prior"], 2, "Missing argument"),
        (["new", "painter", "my-own"], 2, "No such command"),
    ],
)
def test_what_is_refused(
    arguments: list[str], code: int, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").write_text("")
    assert main(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line
    assert [path.name for path in here.iterdir() if path.name != "c2l-home"] == ["file"]
