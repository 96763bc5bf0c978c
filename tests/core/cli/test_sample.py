"""``c2l sample`` and ``c2l info`` with the embedded demo, as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops
from safetensors import safe_open

from c2l.cli.app import main
from c2l.cli.sample import parse_blend, parse_seeds
from c2l.errors import BadInput, ExitCode

KEYS = ["path", "prompt", "seed", "score", "recipe", "generator", "embedder", "prior", "precision",
        "settings", "milliseconds"]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def same(a: str | Path, b: str | Path) -> bool:
    """Whether two PNGs show the same, up to one step of 255."""
    difference = ImageChops.difference(Image.open(a), Image.open(b))
    return max(high for _, high in difference.getextrema()) <= 1


def test_pictures_grid_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a woman with ear rings", "--seeds", "1-3", "--json"]) == 0
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert [list(row) for row in rows] == [KEYS] * 3
    assert [row["seed"] for row in rows] == [1, 2, 3]
    assert rows[0]["recipe"] == "demo-faces"
    assert set(rows[0]["milliseconds"]) == {"loading", "text", "prior", "synthesis", "ranking"}
    for row in rows:
        assert Image.open(row["path"]).size == (128, 128)
    assert Image.open("pictures/a-woman-with-ear-rings-grid.png").size == (3 * 132 - 4, 128)
    assert "drew 3" in err


def test_info_and_from_draw_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a sad man", "--seeds", "7", "--guidance", "2", "--best-of", "3"]) == 0
    path = capsys.readouterr().out.strip()
    assert main(["info", path, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["prompt"] == "a sad man"
    assert record["settings"]["guidance"] == 2
    assert record["seed"] % 1_000_000 == 7
    assert main(["sample", "--from", path, "--out", "again"]) == 0
    assert same(path, capsys.readouterr().out.strip())


def test_precision_is_recorded_and_wants_units(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device: True)
    prompt = "a man with a black beard"
    paths = []
    for precision in ("float32", "bf16"):
        assert main(["sample", prompt, "--seeds", "5", "--json", "--precision", precision]) == 0
        row = json.loads(capsys.readouterr().out)
        assert row["precision"] == precision
        paths.append(row["path"])
    exact, rough = (Image.open(path).convert("RGB") for path in paths)
    highest = [high for _, high in ImageChops.difference(exact, rough).getextrema()]
    assert 0 < max(highest) < 50
    assert main(["sample", "--from", paths[1], "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["precision"] == "bf16" and same(again["path"], paths[1])

    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device: False)
    for arguments in (["--from", paths[1]], [prompt, "--precision", "bf16"]):
        assert main(["sample", *arguments]) == ExitCode.DEVICE
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1 and "no units for bf16" in said[0]
        assert "--precision float32" in said[0]
    assert main(["sample", "--from", paths[1], "--precision", "float32"]) == 0
    assert same(capsys.readouterr().out.strip(), paths[0])


def test_blends_and_negative_prompts_are_drawn_again(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--also", "a pirate: 0.5", "--also", "a kid", "--negative", "glasses"]
    more = ["--adherence", "0.8", "--optimise", "2", "--seeds", "3"]
    assert main(["sample", "a man", *options, *more, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["prompt"] == "a man"
    settings = row["settings"]
    assert settings["also"] == ["a pirate: 0.5", "a kid"]
    assert (settings["negative"], settings["adherence"], settings["optimise"]) == (
        "glasses",
        0.8,
        2,
    )
    main(["sample", "--from", row["path"], "--out", "again"])
    assert same(row["path"], capsys.readouterr().out.strip())
    main(["sample", "a man", "--seeds", "3", "--out", "plain"])
    assert not same(row["path"], capsys.readouterr().out.strip())


@pytest.mark.parametrize(
    ("also", "blend"),
    [
        (["a pirate:0.4"], {"a pirate": 0.4}),
        (["a pirate"], {"a pirate": 1.0}),
        (["at 10: a clock", "b:2"], {"at 10: a clock": 1.0, "b": 2.0}),
        (["a man: smiling:0.5", "c: 2"], {"a man: smiling": 0.5, "c": 2.0}),
    ],
)
def test_weights_are_read_from_the_end(also: list[str], blend: dict[str, float]) -> None:
    assert parse_blend(also) == blend


def test_what_a_prior_has_no_use_for_is_said_and_not_recorded(
    deaf_prior: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--guidance", "3", "--steps", "4", "--adherence", "0.5", "--negative", "glasses"]
    arguments = ["sample", "a man", "-p", deaf_prior, "--seeds", "1", "--truncation", "0.9"]
    assert main([*arguments, *options, "--json"]) == 0
    out, err = capsys.readouterr()
    assert [line for line in err.splitlines() if line.startswith("warning")] == [
        f"warning: ridge has no use for --{name}; ignored"
        for name in ("guidance", "steps", "adherence", "negative")
    ]
    row = json.loads(out)
    settings = row["settings"]
    assert [settings[n] for n in ("guidance", "steps", "adherence")] == [None] * 3
    assert (settings["negative"], settings["truncation"]) == ("", 0.9)
    assert main([*arguments, "--out", "plain"]) == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    assert same(row["path"], out.strip())


def test_a_seed_belongs_to_a_picture_whatever_the_batch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["sample", "tropical beach", "-r", "demo-landscapes", "--seeds", "4-11", "-o", "many"])
    many = capsys.readouterr().out.splitlines()
    main(["sample", "tropical beach", "-r", "demo-landscapes", "--seeds", "6", "-o", "one"])
    assert same(many[2], capsys.readouterr().out.strip())


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        main(["sample", "a man", "--seeds", "1"])
    first, second = capsys.readouterr().out.split()
    assert first != second
    assert same(first, second)


def test_prompts_file_and_latents(capsys: pytest.CaptureFixture[str]) -> None:
    Path("prompts.txt").write_text("a man\nan elderly lady\n", encoding="utf-8")
    code = main(["sample", "--prompts-file", "prompts.txt", "--num", "2", "--latents", "l.st"])
    assert code == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    with safe_open("l.st", framework="pt") as file:
        assert file.get_slice("latents").get_shape()[:2] == [4, 1]
        assert json.loads(file.metadata()["prompts"])[3] == "an elderly lady"


def test_a_prompts_file_with_empty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path("prompts.txt").write_text("a man\n\nan elderly lady\n", encoding="utf-8")
    assert main(["sample", "--prompts-file", "prompts.txt"]) == ExitCode.USAGE
    assert "empty lines: 2" in capsys.readouterr().err
    assert not Path("pictures").exists()


def test_words_that_the_tower_has_never_seen_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a happy astronaut, please", "--num", "1"]) == 0
    assert "never seen 'astronaut', 'please'" in capsys.readouterr().err


def test_a_prompt_that_is_too_long_says_what_was_cut(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a happy man " * 40, "--num", "1"]) == 0
    err = capsys.readouterr().err
    assert "too long" in err
    assert "happy man" in err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["a man", "-r", "demo-face"], ExitCode.NOT_FOUND, "demo-faces"),
        (["a man", "-g", "stylegan:demo-fces"], ExitCode.NOT_FOUND, "stylegan:demo-faces"),
        (["a man", "-g", "nothing:here"], ExitCode.NOT_FOUND, "nothing"),
        (["a man", "-p", "./no.safetensors"], ExitCode.NOT_FOUND, "no.safetensors"),
        (["a man", "-g", "stylegan:demo-landscapes"], ExitCode.INCOMPATIBLE, "stylegan:demo-faces"),
        (["a man", "-p", "./foreign.safetensors"], ExitCode.BAD_FILE, "foreign"),
        (["a man", "-g", "stylegan:./foreign.safetensors"], ExitCode.BAD_FILE, "foreign"),
        (["a man", "--num", "0"], ExitCode.USAGE, "--num"),
        (["a man", "--seeds", "4-1"], ExitCode.USAGE, "1-4"),
        (["a man", "--seeds", "x"], ExitCode.USAGE, "seeds"),
        (["a man", "--best-of", "0"], ExitCode.USAGE, "best-of"),
        (["a man", "--steps", "0"], ExitCode.USAGE, "--steps"),
        (["a man", "--guidance", "nan"], ExitCode.USAGE, "--guidance 0 to 100"),
        (["a man", "--guidance=-3", "--truncation", "inf"], ExitCode.USAGE, "truncation of inf"),
        (["a man", "--guidance", "1e9"], ExitCode.USAGE, "guidance"),
        (["a man", "--truncation", "nan"], ExitCode.USAGE, "--truncation"),
        (["a man", "--adherence", "nan"], ExitCode.USAGE, "--adherence 0 to 1"),
        (["a man", "--also", "beard:x"], ExitCode.USAGE, "the weight 'x'"),
        (["a man", "--also", "beard:"], ExitCode.USAGE, "the weight ''"),
        (["a man", "--num", "many"], ExitCode.USAGE, "--num"),
        (["  "], ExitCode.USAGE, "prompt is empty"),
        ([], ExitCode.USAGE, "nothing to draw"),
        (["a man", "--prompts-file", "none.txt"], ExitCode.USAGE, "two sources"),
        (["--prompts-file", "none.txt"], ExitCode.USAGE, "none.txt"),
        (["a man", "--device", "cuda:99"], ExitCode.DEVICE, "--device cpu"),
        (["a man", "--device", "toaster"], ExitCode.DEVICE, "toaster"),
        (["a man", "--out", "foreign.safetensors/x"], ExitCode.FAILED, "--out"),
        (["--from", "foreign.safetensors"], ExitCode.BAD_FILE, "not a picture"),
    ],
)
def test_bad_input_is_one_line_and_a_code(
    arguments: list[str], code: ExitCode, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("foreign.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0not json at all!")
    assert main(["sample", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert says in err
    assert not list(Path().rglob("*.png"))


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), min_size=1, max_size=5))
def test_seed_lists_read_back(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{a}-{a + n}" if n else str(a) for a, n in ranges)
    assert parse_seeds(text) == [s for a, n in ranges for s in range(a, a + n + 1)]


@given(st.text("0123456789,- x", max_size=6))
def test_anything_else_is_refused_as_bad_input(text: str) -> None:
    try:
        assert all(seed >= 0 for seed in parse_seeds(text))
    except BadInput as error:
        assert error.hint


def test_as_a_process_without_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "c2l", "sample", "a grinning kid", "--seeds", "1"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pictures/a-grinning-kid-s1.png\n"
    assert "\x1b" not in done.stdout + done.stderr
