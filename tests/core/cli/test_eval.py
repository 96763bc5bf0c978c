"""``c2l eval`` on the shipped demo: files, tables, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from c2l.cli.app import main
from c2l.errors import ExitCode

# Somebody has to say yes to its licence first, and it is not here.
LICENSED = ["--independent", "openclip:ViT-L-14/openai"]
DEAF = "the deaf prior"
SMALL = ["--num", "2", "--reference", "8", "--steps", "1"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("eval") / "run"
    arguments = ["eval", "demo-faces", "--num-prompts", "3", "--out", str(out), *SMALL]
    assert main([*arguments, "--guidance", "1,2"]) == ExitCode.OK
    return out


def prompts_file(folder: Path, *lines: str) -> str:
    path = folder / "prompts.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_without_prompts_the_recipe_is_asked_by_its_judge(finished: Path) -> None:
    names = sorted(p.name for p in finished.iterdir())
    assert names == ["pictures", "report.html", "results.jsonl", "summary.json"]
    summary = json.loads((finished / "summary.json").read_text(encoding="utf-8"))
    assert summary["settings"]["judge"] == "c2l_demo.judge:faces"
    assert [v["guidance"] for v in summary["variants"]] == [1, 2]
    assert len((finished / "results.jsonl").read_text().splitlines()) == 2 * 3 * 2
    accuracy = [o["scores"]["accuracy"]["value"] for o in summary["variants"]]
    random, drawings = (o["scores"]["accuracy"]["value"] for o in summary["baselines"])
    assert random < min(accuracy) and drawings > 0.9


def test_it_prints_scores_with_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = prompts_file(tmp_path, "a happy man", "an old woman")
    arguments = ["eval", "--prompts", file, "--out", str(tmp_path / "out"), *SMALL]
    assert main(arguments) == ExitCode.OK
    printed = capsys.readouterr()
    assert "alignment, own" in printed.out and "±" in printed.out
    assert "named attributes" not in printed.out
    assert "report: " in printed.err
    assert main([*arguments, "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["settings"]["recipe"] == "demo-faces"
    assert main([*arguments, "--seed", "4"]) == ExitCode.USAGE
    assert "holds an evaluation with different settings: seed" in capsys.readouterr().err


def test_runs_side_by_side(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "page"
    assert main(["eval", "--compare", str(finished), "--out", str(out)]) == ExitCode.OK
    assert "difference" in capsys.readouterr().out
    assert "<html" in (out / "comparison.html").read_text(encoding="utf-8")
    assert main(["eval", "--compare", str(finished), str(finished), "--json"]) == ExitCode.OK
    table = json.loads(capsys.readouterr().out)
    assert len(table["columns"]) == 4
    assert table["columns"][2]["differences"]["accuracy"]["value"] == 0


def test_all_wrong_values_are_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prompts_file(tmp_path, "", " ")
    code = main(["eval", "--prompts", file, "--guidance", "much", "--steps", "0", "--num", "0"])
    assert code == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    for part in ("--guidance much", "--steps 0", "--num 0 is below 1", "holds no prompt"):
        assert part in line
    assert not (tmp_path / "evaluation").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["demo-fases"], ExitCode.NOT_FOUND, "demo-faces"),
        (["a", "b"], ExitCode.USAGE, "2 recipes are given, not one. Evaluate one after the other"),
        (["--rank-by", "taste", "--num", "0"], ExitCode.USAGE, "--rank-by taste is not 'pictures'"),
        (["--compare", "nowhere", "elsewhere"], ExitCode.USAGE, "elsewhere holds no finished"),
        (["--compare", "x", "--prompts", "y"], ExitCode.USAGE, "finished runs only"),
        (["--compare", "x", "--num", "4", "--fid"], ExitCode.USAGE, "not --fid, --num"),
        (["--compare"], ExitCode.USAGE, "no run is given"),
        (["-p", "./no.safetensors", *LICENSED], ExitCode.NOT_FOUND, "no.safetensors"),
        (
            ["-p", "./no.safetensors", "-g", "stylegan:ffhq-1024"],
            ExitCode.NOT_FOUND,
            "no file or folder no.",
        ),
        (["-g", "stylegan:demo-landscapes", *LICENSED], ExitCode.INCOMPATIBLE, "demo-landscapes"),
        (["--device", "cuda:99", *LICENSED], ExitCode.DEVICE, "cuda:99"),
        (["--best-of", "8", "--rank-by", "student", "-p", DEAF], ExitCode.USAGE, "no student"),
        (["--guidance", "1,2", "-p", DEAF], ExitCode.USAGE, "does not support guidance"),
        (["--independent", "openclip:demo"], ExitCode.USAGE, "not independent"),
    ],
)
def test_what_is_refused(
    arguments: list[str],
    code: ExitCode,
    words: str,
    deaf_prior: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["eval", *(deaf_prior if a == DEAF else a for a in arguments)]) == code
    error = capsys.readouterr().err
    assert words in error and error.count("error:") == 1
    assert not list(tmp_path.iterdir())


def test_a_value_that_the_prior_has_no_use_for_is_ignored(
    deaf_prior: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prompts_file(tmp_path, "a happy man", "an old woman")
    arguments = ["eval", "-p", deaf_prior, "--prompts", file, "--out", str(tmp_path / "out")]
    assert main([*arguments, *SMALL, "--adherence", "0.5", "--json"]) == ExitCode.OK
    printed = capsys.readouterr()
    settings = json.loads(printed.out)["settings"]
    assert settings["variants"] == [{"guidance": None, "steps": None}]
    assert settings["sampling"]["adherence"] is None
    warnings = [line for line in printed.err.splitlines() if line.startswith("warning")]
    ignored = ("adherence", "steps")
    assert warnings == [f"warning: ridge ignores --{name}" for name in ignored]


def test_words_that_were_never_seen_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = prompts_file(tmp_path, "an astronaut by the sea")
    arguments = ["eval", "--prompts", file, "--out", str(tmp_path / "out"), *SMALL]
    assert main(arguments) == ExitCode.OK
    assert "openclip:demo does not know 'astronaut'" in capsys.readouterr().err
