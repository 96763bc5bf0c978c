"""``c2l sample`` and ``c2l info`` with the embedded demo, as a user types them."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from safetensors import safe_open

from c2l.cli.app import main
from c2l.errors import ExitCode

KEYS = ["path", "schema", "prompt", "seed", "truncation", "score", "recipe", "generator",
        "embedder", "prior", "precision", "device", "fingerprints", "version",
        "milliseconds"]  # fmt: skip


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
    assert all(spent > 0 for spent in rows[0]["milliseconds"].values())
    assert all(spent > 0 for spent in rows[0]["milliseconds"].values())
    for row in rows:
        assert Image.open(row["path"]).size == (128, 128)
    assert Image.open("pictures/a-woman-with-ear-rings-grid.png").size == (3 * 132 - 4, 128)
    assert "drew 3" in err


def test_latents_that_cannot_be_written_are_told_before_drawing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "x.safetensors"):
        assert main(["sample", "a man", "--num", "1", "--latents", str(path)]) == 1
        out, err = capsys.readouterr()
        assert not out and "cannot write" in err and "\n" not in err.strip()


def test_bytes_that_are_no_text_are_no_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a man", "--seeds", "caf\udce9"]) == ExitCode.USAGE
    assert "is not a list of seeds" in capsys.readouterr().err


def test_parts_that_are_named_beside_a_picture_take_the_place_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sample", "a tree", "--seeds", "3", "--json"]) == 0
    drawn = json.loads(capsys.readouterr().out)
    again = ["sample", "--from", drawn["path"], "--out", "again", "--json"]
    assert main([*again, "--recipe", "demo-landscapes"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert (other["recipe"], other["generator"]) == ("demo-landscapes", "stylegan:demo-landscapes")
    assert main([*again, "--prior", drawn["prior"]]) == 0
    assert "recipe" not in json.loads(capsys.readouterr().out)


def test_json_of_a_picture_is_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a man", "--seeds", "3", "--best-of", "2", "--json"]) == 0
    printed = capsys.readouterr().out
    path = json.loads(printed)["path"]
    assert main(["info", path, "--json"]) == 0
    for text in (printed, capsys.readouterr().out):
        Path("request.json").write_text(text, encoding="utf-8")
        assert main(["sample", "--from", "request.json", "--out", "again"]) == 0
        assert same(path, capsys.readouterr().out.strip())


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("piped", [True, False])
def test_the_bar_leaves_data_alone(piped: bool) -> None:
    """Beside a bar on the terminal, paths go into the pipe; on the terminal they are not broken."""
    master, terminal = os.openpty()
    folder = Path("a-rather-long-name-of-a-folder-" * 4)
    process = subprocess.Popen(
        [sys.executable, "-m", "c2l", "sample", "a man", "--seeds", "1-60", "--out", folder],
        stdout=subprocess.PIPE if piped else terminal,
        stderr=terminal,
        env={**os.environ, "COLUMNS": "60", "TERM": "xterm-256color"},
    )
    os.close(terminal)
    seen = b""
    with ThreadPoolExecutor() as pool, contextlib.suppress(OSError):  # the terminal's end
        out = pool.submit(process.communicate)
        while data := os.read(master, 65536):
            seen += data
    stdout = out.result()[0] or b""
    os.close(master)
    assert b"drawing" in seen
    expected = [f"{folder}/a-man-s{seed}.png" for seed in range(1, 61)]
    if piped:
        assert stdout.decode().splitlines() == expected
        assert b"-s1.png" not in seen
    else:
        assert all(path.encode() in seen for path in expected)


def test_info_and_from_draw_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a sad man", "--seeds", "7", "--guidance", "2", "--best-of", "3"]) == 0
    path = capsys.readouterr().out.strip()
    assert main(["info", path, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["prompt"] == "a sad man"
    assert (record["guidance"], record["chosen_from"]) == (2, 3)
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
        assert len(said) == 1 and "does not support bf16" in said[0]
        assert "--precision float32" in said[0]
    assert main(["sample", "--from", paths[1], "--precision", "float32"]) == 0
    assert same(capsys.readouterr().out.strip(), paths[0])


def test_blends_and_negative_prompts_are_drawn_again(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--also", "a pirate: 0.5", "--also", "a kid", "--negative", "glasses, hat:2"]
    more = ["--adherence", "0.8", "--optimise", "2", "--seeds", "3"]
    assert main(["sample", "a man", *options, *more, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["prompt"] == {"a man": 1, "a pirate": 0.5, "a kid": 1}
    assert row["negative"] == {"glasses": 1, "hat": 2}
    assert (row["adherence"], row["optimise"]) == (0.8, 2)
    main(["sample", "--from", row["path"], "--out", "again"])
    assert same(row["path"], capsys.readouterr().out.strip())
    main(["sample", "a man", "--seeds", "3", "--out", "plain"])
    assert not same(row["path"], capsys.readouterr().out.strip())


def test_options_that_a_prior_ignores_are_said_and_not_recorded(
    deaf_prior: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--guidance", "3", "--steps", "4", "--adherence", "0.5"]
    arguments = ["sample", "a man", "-p", deaf_prior, "--seeds", "1", "--truncation", "0.9"]
    assert main([*arguments, *options, "--json"]) == 0
    out, err = capsys.readouterr()
    assert [line for line in err.splitlines() if "ignores" in line] == [
        f"warning: ridge ignores --{name}" for name in ("adherence", "guidance", "steps")
    ]
    row = json.loads(out)
    assert not {"guidance", "steps", "adherence"} & row.keys()
    assert row["truncation"] == 0.9
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


def test_a_prompts_file_as_editors_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\ufeffa man\r\n\r\na\u2028kid\ra man\n\n"
    Path("prompts.txt").write_bytes(text.encode())
    assert main(["sample", "--prompts-file", "prompts.txt", "--seeds", "1", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.strip().split("\n")]
    assert [row["prompt"] for row in rows] == ["a man", "a\u2028kid", "a man"]


def test_negation_is_said_with_the_command_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["a man without a beard, no hat", "--negative", "hat, glasses:2"]
    assert main(["sample", *asked, "--seeds", "1"]) == 0
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "negation" in line]
    offered = said.partition(" Better: ")[2]
    assert offered == "'a man' --negative 'hat, glasses:2, beard'"
    assert main(["sample", *shlex.split(offered), "--seeds", "1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "negation" not in err and "does not know" not in err
    row = json.loads(out)
    assert (row["prompt"], row["negative"]) == ("a man", {"hat": 1, "glasses": 2, "beard": 1})


@pytest.mark.parametrize("seed", [2**32, 2**63, 2**64 - 1])
def test_seeds_of_64_bits(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a man", "--seeds", f"{seed % 2**32},{seed}", "--latents", "l"]) == 0
    one, other = capsys.readouterr().out.split()
    assert other.endswith(f"-s{seed}.png") and not same(one, other)
    with safe_open("l", framework="pt") as file:
        assert file.get_tensor("seeds").tolist() == [seed % 2**32, seed]
    assert main(["sample", "--from", other, "--out", "again"]) == 0
    assert same(other, capsys.readouterr().out.strip())


def test_requests_in_files(capsys: pytest.CaptureFixture[str]) -> None:
    toml = 'prompt = "a man"\nseeds = "1-2"\nguidance = 2.0\n[negative]\nhat = 2\n'
    Path("draw.toml").write_bytes(b"\xef\xbb\xbf" + toml.encode())
    asked = {"prompts": ["a man"], "seeds": [1, 2], "guidance": 2, "negative": {"hat": 2}}
    Path("draw.json").write_text(json.dumps(asked))
    records = []
    for name in ("draw.toml", "draw.json"):
        assert main(["sample", "--from", name, "--json"]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        records.append([(r["prompt"], r["seed"], r["negative"], r["guidance"]) for r in rows])
    assert records[0] == records[1] and len(records[0]) == 2
    assert main(["sample", "--from", "draw.toml", "--num", "1", "--guidance", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["guidance"] == 3


def test_interrupted_it_keeps_what_was_drawn_and_goes_on() -> None:
    command = [sys.executable, "-m", "c2l", "sample", "a man", "--num", "3000", "--out", "many"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stdout is not None
    first = [process.stdout.readline().strip() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    done = len(list(Path("many").glob("*.png")))
    assert done >= 3 and all(Path(path).exists() for path in first)
    assert f"{done:,} of 3,000 pictures are in many" in err
    assert not list(Path("many").glob("*.partial"))


def test_words_that_the_tower_has_never_seen_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "a happy astronaut, please", "--num", "1"]) == 0
    assert "does not know 'astronaut', 'please'; drawing without them" in capsys.readouterr().err


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
        (["a man", "--best-of", "0"], ExitCode.USAGE, "--best-of 0 is below 1"),
        (["a man", "--steps", "0"], ExitCode.USAGE, "--steps"),
        (["a man", "--guidance", "nan"], ExitCode.USAGE, "Use --guidance from 0 to 100"),
        (
            ["a man", "--guidance=-3", "--truncation", "inf"],
            ExitCode.USAGE,
            "--truncation inf is not",
        ),
        (["a man", "--guidance", "1e9"], ExitCode.USAGE, "guidance"),
        (["a man", "--truncation", "nan"], ExitCode.USAGE, "--truncation"),
        (["a man", "--adherence", "nan"], ExitCode.USAGE, "--adherence from 0 to 1"),
        (["a man", "--also", "a man:0.5"], ExitCode.USAGE, "given twice"),
        (["a man", "--seeds", "0-4294967295"], ExitCode.USAGE, "1,000,000 seeds"),
        (["a man", "--seeds", "1", "--num", "2"], ExitCode.USAGE, "how many"),
        (["caf\udce9"], ExitCode.USAGE, "not UTF-8"),
        (["a man", "--negative", "caf\udce9"], ExitCode.USAGE, "not UTF-8"),
        (["--from", "broken.toml"], ExitCode.USAGE, "broken.toml"),
        (["--from", "broken.json"], ExitCode.USAGE, "not JSON"),
        (["--from", "list.json"], ExitCode.USAGE, "not a JSON object"),
        (["a man", "-g", "~nosuch/x.pkl"], ExitCode.USAGE, "nosuch"),
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
    Path("broken.toml").write_text("prompt = ")
    Path("broken.json").write_text("{")
    Path("list.json").write_text("[]")
    assert main(["sample", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("error: ")
    assert says in err
    assert not list(Path().rglob("*.png"))


def test_as_a_process_without_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "c2l", "sample", "a grinning kid", "--seeds", "1"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pictures/a-grinning-kid-s1.png\n"
    assert "\x1b" not in done.stdout + done.stderr
