"""``c2l pairs`` by several who share a folder, and the commands below it."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest
import torch

import c2l
import c2l.service.pairs
from c2l.cli.app import main
from c2l.errors import BadInput, ExitCode
from c2l.testing import ToyEmbedder, ToyGenerator

torch.set_num_threads(1)
BEGIN = ["pairs", "-g", "toy:generator", "-e", "toy:embedder", "-n", "50", "--shard-size", "10"]


@pytest.fixture(autouse=True)
def toy_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """``toy:…`` names the parts of the toy world."""

    def part(cls: Any) -> Any:
        return lambda reference, *, device="cpu": cls()

    monkeypatch.setattr(c2l.service.pairs, "load_generator", part(ToyGenerator))
    monkeypatch.setattr(c2l.service.pairs, "load_embedder", part(ToyEmbedder))
    monkeypatch.setattr(c2l.service.pairs, "fetch_with_consent", lambda references, **_: [])


def test_two_ranks_and_the_commands_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "p")
    assert main([*BEGIN, "-o", folder, "--rank", "0", "--world", "2"]) == 0
    assert "30 of 50 pairs in" in (said := capsys.readouterr().err)
    assert "shards 1,3 are for others" in said
    assert main(["pairs", "status", folder]) == 0
    assert "30 of 50" in capsys.readouterr().out
    assert main(["pairs", "finish", folder]) == ExitCode.USAGE
    assert "holds 30 of 50 pairs. Finish it: c2l pairs --generator" in capsys.readouterr().err
    # The folder knows what is missing to it; who draws the last shard finishes it.
    assert main(["pairs", "-o", folder, "--rank", "1", "--world", "2"]) == 0
    assert f"50 pairs in {folder}. Train on them" in capsys.readouterr().err
    assert json.loads((tmp_path / "p" / "manifest.json").read_text())["shards"][4]["num"] == 10
    assert main(["pairs", "status", folder, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["complete"] and (status["shards"], status["missing"]) == (5, "")
    assert main(["pairs", "verify", folder]) == 0
    said = capsys.readouterr().err
    assert "0 of 5 shards are damaged" in said and "made on " in said


def test_a_node_that_has_not_what_it_takes_names_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tmp_path / "p")
    assert main([*BEGIN, "-o", folder, "--rank", "0", "--world", "2"]) == 0
    finished = sorted((tmp_path / "p").iterdir())

    def salted(reference: str, *, device: str = "cpu") -> c2l.Generator:
        return ToyGenerator(salt=1)

    def absent(reference: str, *, device: str = "cpu") -> c2l.Generator:
        raise BadInput("there is no file ffhq.pkl", hint="Put it there")

    for load, share, who, says in (
        (salted, ["--rank", "1", "--world", "2"], "rank 1 of 2", "with other weights. Choose"),
        (absent, ["--shards", "0-1,3"], "shards 0-1,3", "no file ffhq.pkl. Put it there"),
    ):
        monkeypatch.setattr(c2l.service.pairs, "load_generator", load)
        capsys.readouterr()
        assert main(["pairs", "-o", folder, *share])
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: node {platform.node()}, {who}: ") and says in line
    assert sorted((tmp_path / "p").iterdir()) == finished


def test_a_damaged_shard_has_exit_code_9(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*BEGIN, "-o", str(tmp_path)]) == 0
    shard = tmp_path / "pairs-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    capsys.readouterr()
    assert main(["pairs", "verify", str(tmp_path)]) == ExitCode.BAD_FILE
    printed = capsys.readouterr()
    assert printed.out == "pairs-00003.safetensors  its sha256 is not the recorded one\n"
    assert "1 of 5 shards are damaged. Remove them and repeat 'c2l pairs'" in printed.err


def test_a_folder_is_enough_to_go_on(tmp_path: Path) -> None:
    groups = ["--groups", "1,3,1", "--first-seed", "7"]
    assert main([*BEGIN, *groups, "-o", str(tmp_path), "--shards", "0-1"]) == 0
    assert main(["pairs", "-o", str(tmp_path)]) == 0
    manifest = c2l.load_pairs(tmp_path).manifest
    assert (manifest.repeats, manifest.first_seed, manifest.num) == ((1, 3, 1), 7, 50)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-o", "x"], "takes a generator and an embedder. Give both --generator and --embedder"),
        (["-g", "toy:generator", "-o", "x"], "Give both --generator and --embedder"),
        ([], "there is no folder for the pairs. Name it with --out"),
        ([*BEGIN[1:], "-o", "x", "--rank", "1"], "Give both --rank and --world"),
        ([*BEGIN[1:], "-o", "x", "--world", "2"], "Give both --rank and --world"),
        ([*BEGIN[1:], "-o", "x", "--rank", "2", "--world", "2"], "Use --rank from 0 to 1"),
        ([*BEGIN[1:], "-o", "x", "--shards", "a"], "--shards a is not a list of places"),
        (
            [*BEGIN[1:], "-o", "x", "--shards", "1", "--rank", "0", "--world", "2"],
            "--shards and --rank both say which shards to draw",
        ),
        ([*BEGIN[1:], "-o", "x", "--engine", "spark"], "there is no engine 'spark'"),
        ([*BEGIN[1:], "-o", "x", "--devices", "cpu", "--workers", "2"], "Leave out --workers"),
        ([*BEGIN[1:], "-o", "x", "--devices", "cpu,tpu"], "unknown device 'tpu'"),
        ([*BEGIN[1:], "-o", "x", "--workers", "0"], "Use --workers 1 or more"),
        (["-n", "5", "finish", "x"], "--num before 'finish' has no meaning"),
    ],
)
def test_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["pairs", *arguments]) in (ExitCode.USAGE, ExitCode.DEVICE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and says in line
    assert not list(tmp_path.iterdir())
