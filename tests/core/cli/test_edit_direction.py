"""``c2l edit direction`` and ``c2l edit adhere`` with the embedded demo, as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from c2l.cli.app import main
from c2l.errors import ExitCode
from c2l_demo.judge import faces

SMILE = ("--start", "a sad face", "--end", "a smiling face")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A man, the direction of a smile, and the man moved along it."""
    folder = tmp_path_factory.mktemp("moved")
    assert main(["sample", "a sad man", "--seeds", "3", "--out", str(folder)]) == 0
    man, smile = folder / "a-sad-man-s3.png", folder / "smile.safetensors"
    words = ["edit", "direction", str(man), *SMILE, "--strength=0,1", "--save", str(smile)]
    assert main([*words, "--out", str(folder / "moved")]) == 0
    return folder


def alike(a: str | Path, b: str | Path) -> bool:
    """Whether two PNGs differ by no more than the size of a batch does."""
    first, second = (np.asarray(Image.open(path), dtype=int) for path in (a, b))
    return bool(np.abs(first - second).max() <= 2)


def pixels(path: str | Path) -> torch.Tensor:
    """(1, 3, H, W), range [-1, 1]."""
    rows = np.asarray(Image.open(path).convert("RGB"))
    return torch.from_numpy(rows / 127.5 - 1).float().permute(2, 0, 1)[None]


def told(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    assert main(list(words)) == code
    return " ".join(capsys.readouterr().err.splitlines()[-2:])


def test_a_picture_moved_by_a_file_draws_itself_again_without_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    man, moved = folder / "a-sad-man-s3.png", sorted((folder / "moved").glob("*-0?.png"))
    assert alike(man, moved[0]) and not alike(man, moved[1])
    smile = tmp_path / "copy.safetensors"
    smile.write_bytes((folder / "smile.safetensors").read_bytes())
    words = ["edit", "direction", str(man), "--direction", str(smile), "--out", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert alike(line["path"], moved[1])
    assert line["latents"]["name"] == "a sad face -> a smiling face"
    smile.unlink()
    again = [sys.executable, "-m", "c2l", "sample", "--from", line["path"], "--out", str(tmp_path)]
    drawn = subprocess.run(again, check=True, capture_output=True, text=True)
    assert alike(line["path"], drawn.stdout.strip())


def test_adhering_shows_one_more_thing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    man = folder / "a-sad-man-s3.png"
    words = ["edit", "adhere", str(man), "--to", "with sunglasses", "--out", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    after = json.loads(capsys.readouterr().out)["path"]
    seen = [faces(pixels(path)) for path in (man, after)]
    changed = {name for name in seen[0] if int(seen[0][name]) != int(seen[1][name])}
    assert changed == {"glasses"}


def test_a_direction_says_what_it_was_made_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(folder / "smile.safetensors"), "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["made"]["start"] == "a sad face" and card["made"]["keep"] == []
    assert card["generator"]["reference"] == "stylegan:demo-faces"
    assert main(["info", str(folder / "smile.safetensors")]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["name"] == "a sad face -> a smiling face"
    assert rows["generator"] == "stylegan:demo-faces" and len(rows["fingerprint"]) == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing names the direction"),
        (("--component", "0", *SMILE), "--start and --component name the direction"),
        (("--start", "a face"), "--end is missing"),
        (("--start", "a man", "--end", "a man"), "cannot tell 'a man' from 'a man'"),
        ((*SMILE, "--strength", "much"), "is not a list of numbers"),
        ((*SMILE, "--strength", "1000"), "is out of range"),
        (("--component", "50"), "component 50 is not one of the 50"),
        (("--without", "nowhere", "--shown", "nowhere"), "there is no nowhere"),
    ],
)
def test_what_makes_no_direction(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, ExitCode.USAGE, "edit", "direction", "a man", "--seeds", "1", *words)
    assert message in found


def test_files_that_hold_no_direction(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "x.safetensors"
    wrong.write_bytes(b"no")
    words = ["edit", "direction", "a man", "--direction"]
    assert "not a readable safetensors file" in told(capsys, ExitCode.BAD_FILE, *words, str(wrong))
    other = ["edit", "direction", "a lake", "--recipe", "demo-landscapes", "--direction"]
    found = told(capsys, ExitCode.INCOMPATIBLE, *other, str(folder / "smile.safetensors"))
    assert "moves latents of stylegan:demo-faces, and not of stylegan:demo-landscapes" in found


def test_a_direction_is_kept_by_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    man, smile = folder / "a-sad-man-s3.png", folder / "smile.safetensors"
    move = ["edit", "direction", str(man), "--out", str(tmp_path)]
    assert main([*move, "--component", "0", "--save", "first"]) == 0
    capsys.readouterr()
    assert main([*move, "--direction", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["latents"]["name"] == "component 0"
    assert main([*move, "--direction", str(smile)]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--kind", "direction"]) == 0
    assert "direction:first" in capsys.readouterr().out
    found = told(capsys, ExitCode.NOT_FOUND, *move, "--direction", "frist")
    assert "there is no direction frist. Did you mean first?" in found


def test_a_direction_can_be_saved_without_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["edit", "direction", "--component", "0"]
    assert main([*words, "--save", "./first.safetensors"]) == 0
    assert "the direction is in first.safetensors" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["first.safetensors"]
    assert "nothing to edit" in told(capsys, ExitCode.USAGE, *words)
