"""Each error names the field at fault, and what it advises works when it is typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from c2l.cli.app import app, main
from c2l.errors import C2LError, ExitCode

ROOT = typer.main.get_command(app)
PAIRS = "pairs -g stylegan:demo-faces -e openclip:demo -o out"
TRAIN = "train -g stylegan:demo-faces -e openclip:demo -o out"

TABLE = [
    # what is typed, the field that is named, the exit code
    ("sample", "prompt", ExitCode.USAGE),
    ("sample ''", "prompts", ExitCode.USAGE),
    ("sample x --prompts-file y", "prompts_file", ExitCode.USAGE),
    ("sample --prompts-file gone.txt", "prompts_file", ExitCode.USAGE),
    ("sample x --num 0", "num_images", ExitCode.USAGE),
    ("sample x --seeds 5-1", "seeds", ExitCode.USAGE),
    ("sample x --seeds y", "seeds", ExitCode.USAGE),
    ("sample x --guidance 300", "guidance", ExitCode.USAGE),
    ("sample x --guidance nan", "guidance", ExitCode.USAGE),
    ("sample x --steps 0", "steps", ExitCode.USAGE),
    ("sample x --adherence 2", "adherence", ExitCode.USAGE),
    ("sample x --truncation 3", "truncation", ExitCode.USAGE),
    ("sample x --best-of 0", "best_of", ExitCode.USAGE),
    ("sample x --rank-by taste", "rank_by", ExitCode.USAGE),
    ("sample x --optimise -1", "optimise", ExitCode.USAGE),
    ("sample x --device gpu", "device", ExitCode.DEVICE),
    ("sample x --device cuda:99", "device", ExitCode.DEVICE),
    ("sample x --precision half", "precision", ExitCode.USAGE),
    ("sample x --precision fp16 --device cpu", "precision", ExitCode.DEVICE),
    (f"{PAIRS} --num 0", "num", ExitCode.USAGE),
    (f"{PAIRS} --groups 1,x", "groups", ExitCode.USAGE),
    (f"{PAIRS} --groups 1,2", "groups", ExitCode.USAGE),
    (f"{PAIRS} --first-seed -1", "first_seed", ExitCode.USAGE),
    (f"{PAIRS} --num 2 --first-seed 18446744073709551615", "first_seed", ExitCode.USAGE),
    (f"{PAIRS} --shard-size 0", "shard_size", ExitCode.USAGE),
    (f"{PAIRS} --batch-size 0", "batch_size", ExitCode.USAGE),
    (f"{PAIRS} --workers 0", "workers", ExitCode.USAGE),
    (f"{PAIRS} --device cuda:99", "device", ExitCode.DEVICE),
    ("train", "out", ExitCode.USAGE),
    ("train -o out", "pairs", ExitCode.USAGE),
    ("train -o out -g stylegan:demo-faces", "embedder", ExitCode.USAGE),
    ("train -o out -e openclip:demo", "generator", ExitCode.USAGE),
    ("train -o out --pairs gone", "pairs", ExitCode.USAGE),
    ("train -o out --pairs gone --num 5", "num", ExitCode.USAGE),
    ("train -o out --pairs gone --groups 6,6", "groups", ExitCode.USAGE),
    (f"{TRAIN} --set hidden", "settings", ExitCode.USAGE),
    (f"{TRAIN} --set hiden=4", "settings", ExitCode.USAGE),
    (f"{TRAIN} --set hidden=0", "settings", ExitCode.USAGE),
    (f"{TRAIN} --num 0", "num", ExitCode.USAGE),
    (f"{TRAIN} --num 5", "num", ExitCode.USAGE),
    (f"{TRAIN} --groups 0,12", "groups", ExitCode.USAGE),
    (f"{TRAIN} --steps 0", "steps", ExitCode.USAGE),
    (f"{TRAIN} --batch-size 0", "batch_size", ExitCode.USAGE),
    (f"{TRAIN} --learning-rate 2", "learning_rate", ExitCode.USAGE),
    (f"{TRAIN} --patience 0", "patience", ExitCode.USAGE),
    (f"{TRAIN} --seed -1", "seed", ExitCode.USAGE),
    (f"{TRAIN} --prior flow:demo-faces", "prior", ExitCode.USAGE),
    (f"{TRAIN} --prior stylegan", "prior", ExitCode.NOT_FOUND),
    (f"{TRAIN} --domain gone.txt", "domain", ExitCode.USAGE),
    (f"{TRAIN} --device cuda:99", "device", ExitCode.DEVICE),
    ("train bad.toml -o out", "steps", ExitCode.USAGE),
    ("eval --num 0", "num_images", ExitCode.USAGE),
    ("eval --num-prompts 0", "num_prompts", ExitCode.USAGE),
    ("eval --seed -1", "seed", ExitCode.USAGE),
    ("eval --reference 1", "num_reference", ExitCode.USAGE),
    ("eval --guidance much", "guidance", ExitCode.USAGE),
    ("eval --steps 0,4", "steps", ExitCode.USAGE),
    ("eval --guidance 1,1", "guidance", ExitCode.USAGE),
    ("eval --rank-by taste", "rank_by", ExitCode.USAGE),
    ("eval a b", "recipe", ExitCode.USAGE),
    ("eval --prompts gone.txt", "prompts", ExitCode.USAGE),
    ("eval --device cuda:99", "device", ExitCode.DEVICE),
    ("eval --independent openclip:demo", "independent", ExitCode.USAGE),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text("steps = 0")


@pytest.mark.parametrize(("typed", "field", "code"), TABLE, ids=[row[0] for row in TABLE])
def test_an_error(
    typed: str, field: str, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = shlex.split(typed)
    with pytest.raises(C2LError) as caught:
        ROOT.main(arguments, prog_name="c2l", standalone_mode=False)
    assert (caught.value.field, caught.value.exit_code) == (field, code)
    capsys.readouterr()
    assert main(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "`" not in line
    check_advice(line, ROOT.commands[arguments[0]])


def check_advice(line: str, command: typer.core.TyperCommand) -> None:
    """Commands in it can be parsed; other flags are those of the command that was typed."""
    for advice in re.findall(r"c2l [a-z]+(?: [^\s;,.'\"]+| '[^']*'| \"[^\"]*\")*", line):
        _, *words = shlex.split(advice)
        named = ROOT
        while words and words[0] in getattr(named, "commands", {}):
            named = named.commands[words.pop(0)]
        assert named is not ROOT, advice
        for flag in [word for word in words if word.startswith("-")]:
            assert flag in flags_of(named), advice
        line = line.replace(advice, "")
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line):
        assert flag in flags_of(command), flag


def flags_of(command: typer.core.TyperCommand) -> set[str]:
    return {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
