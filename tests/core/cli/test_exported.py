"""Exported files on the command line: a yes to programs, and lines for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import exported_networks as networks
import pytest
from exported_networks import export, z

from c2l.cli import fetching
from c2l.cli.app import main

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pairs(*more: str) -> list[str]:
    return ["pairs", "-g", "torchscript:./g.pt", "-e", "openclip:demo", "-n", "2", "-o", "p", *more]


def test_a_program_asks_for_its_option_and_then_never_again(tmp_path: Path, capsys: Said) -> None:
    path = export("torchscript", networks.Plain(), (z(),), tmp_path)
    assert main(pairs()) == 10
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "torchscript:./g.pt is a program, which may do more than draw" in said
    assert "--accept-programs" in said
    assert main(pairs("--accept-programs")) == 0
    assert main(pairs()) == 0
    manifest = json.loads(Path("p/manifest.json").read_text(encoding="utf-8"))
    settings = manifest["generator"]["settings"]
    assert settings["latent_shape"] == [networks.WIDTH]
    assert len(settings["sha256"][0]) == 64
    path.write_bytes(b"")
    assert main(pairs()) in (9, 10)


def test_checking_a_program_asks_too(tmp_path: Path, capsys: Said) -> None:
    export("torchscript", networks.Plain(), (z(),), tmp_path)
    for reference in ("torchscript:./g.pt", "./g.pt"):
        assert main(["check", reference]) == 10
        assert "If you trust whoever made it, say so with --accept-programs" in (
            capsys.readouterr().err
        )


def test_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    export("torchscript", networks.Plain(), (z(),), tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(fetching, "_refuse_without_terminal", lambda question: None)
    monkeypatch.setattr(fetching, "_confirm", lambda text: bool(asked.append(text)))
    assert main(pairs()) == 10
    assert asked == ["Do you trust whoever made it?"]
    assert "sha256: " in capsys.readouterr().err


def test_inspecting_runs_nothing(tmp_path: Path, capsys: Said) -> None:
    export("torchscript", networks.Plain(), (z(),), tmp_path, toml="licence = 'MIT'\nstd = 2")
    assert main(["models", "inspect", "g.pt", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["family"], facts["licence"], facts["std"]) == ("torchscript", "MIT", 2.0)
    export("onnx", networks.Plain(), (z(),), tmp_path)
    assert main(["models", "inspect", "g.onnx", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == {"z": [None, networks.WIDTH]}


@pytest.mark.parametrize(
    ("toml", "code", "said"),
    [
        ("color = 1", 2, "color is not a key of it"),
        ("output = 7", 2, "so none of number 7"),
    ],
)
def test_what_is_wrong_is_one_line(
    toml: str, code: int, said: str, tmp_path: Path, capsys: Said
) -> None:
    export("onnx", networks.Plain(), (z(),), tmp_path, toml=toml)
    arguments = ["pairs", "-g", "./g.onnx", "-e", "openclip:demo", "-n", "2", "-o", "p"]
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
