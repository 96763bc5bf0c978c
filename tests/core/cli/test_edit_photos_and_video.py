"""``c2l edit invert`` and ``c2l edit video`` with the embedded demo, as a user types them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from c2l.cli.app import main
from c2l.errors import ExitCode


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photo(path: str) -> str:
    """A drawn picture that no generator made."""
    image = Image.linear_gradient("L").resize((150, 90))
    Image.merge("RGB", (image, image.rotate(180), image)).save(path)
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert not out
    return str(err.splitlines()[-1])


def test_a_photo_becomes_a_picture_that_every_edit_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["edit", "invert", photo("My Photo.jpg"), "--steps", "4", "--json"]) == 0
    out, err = capsys.readouterr()
    line = json.loads(out)
    assert line["path"] == "pictures/my-photo-inverted.png"
    assert line["latents"]["op"] == "given"
    assert line["distance"] <= line["first_distance"]
    assert "4 steps take about" in err
    assert "sheet: pictures/my-photo-inverted-sheet.png" in err
    assert main(["sample", "--from", line["path"], "--out", "again"]) == 0
    again = capsys.readouterr().out.strip()
    assert ImageChops.difference(Image.open(again), Image.open(line["path"])).getbbox() is None
    assert main(["edit", "vary", line["path"], "--num", "1", "--amount", "0.2"]) == 0
    varied = capsys.readouterr().out.strip()
    assert json.loads(Image.open(varied).text["c2l"])["latents"]["base"] == line["latents"]


def test_what_cannot_be_inverted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "invert"]) == ExitCode.USAGE
    assert last_line(capsys) == "error: there is no photo. Give one, as in photo.jpg"
    Path("a.png").write_bytes(b"PK\x03\x04 and so on")
    assert main(["edit", "invert", "a.png"]) == ExitCode.BAD_FILE
    assert last_line(capsys).startswith("error: a.png is not a picture, but a zip archive")
    assert main(["edit", "invert", photo("b.png"), "--space", "z"]) == ExitCode.USAGE
    assert last_line(capsys) == "error: --space z is neither w nor w+. Use --space w+"


def test_a_picture_of_c2ls_own_is_told_to_need_no_inversion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["sample", "a man", "--seeds", "1", "--out", "."])
    capsys.readouterr()
    assert main(["edit", "invert", "a-man-s1.png", "--steps", "0"]) == 0
    assert "a-man-s1.png is a picture of c2l's own" in capsys.readouterr().err


def test_a_walk_as_a_video(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["edit", "video", "a man", "a woman", "--frames", "4", "--seeds", "2", "--ping-pong",
             "--fps", "10", "--out", "a.webp", "--json"]  # fmt: skip
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"path": "a.webp", "frames": 6, "fps": 10}
    assert "6 frames, 0.6 s" in err
    assert Image.open("a.webp").n_frames == 6


def test_what_is_no_video_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edit", "video", "a man", "a woman", "--out", "a.mov"]) == ExitCode.USAGE
    assert "a.mov names no kind of video" in last_line(capsys)
    assert main(["edit", "video", "a man", "a woman", "--fps", "0"]) == ExitCode.USAGE
    assert "--fps 0 is not from 0.01 to 240" in last_line(capsys)
    words = ["edit", "video", "a man", "a woman", "--easing", "jump", "--out", "a.gif"]
    assert main(words) == ExitCode.USAGE
    assert "--easing jump is not one of linear" in last_line(capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_after_ctrl_c_the_video_plays() -> None:
    words = ["edit", "video", "a man", "a woman", "--frames", "5000", "--seeds", "2", "--spacing",
             "path", "--out", "a.gif"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "c2l", *words], stderr=subprocess.PIPE, text=True
    )
    partial = list(Path().glob(".a.gif*.partial"))
    while not partial or partial[0].stat().st_size < 30_000:
        assert process.poll() is None
        time.sleep(0.05)
        partial = list(Path().glob(".a.gif*.partial"))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    line = err.splitlines()[-1]
    assert line.startswith("interrupted: the first ")
    assert line.endswith(" frames are in a.gif, which plays")
    assert f"first {Image.open('a.gif').n_frames} frames" in line


def test_a_turned_picture_as_a_video(capsys: pytest.CaptureFixture[str]) -> None:
    turn = ["edit", "video", "a man", "--seeds", "2", "--frames", "3", "--out", "a.gif"]
    assert main([*turn, "--start", "a sad face", "--end", "a smiling face"]) == 0
    assert Image.open(capsys.readouterr().out.strip()).n_frames == 3
    assert main([*turn, "--strength", "0..1"]) == ExitCode.USAGE
    assert "nothing says what to turn. Give --start and --end, or --direction" in last_line(capsys)
    assert main([*turn, "a woman", "--start", "sad", "--end", "happy"]) == ExitCode.USAGE
    assert "a direction moves one picture" in last_line(capsys)


def test_what_a_photo_shows(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["edit", "like", photo("a.jpg"), "--prompt", "a man", "--seeds", "4,5"]
    assert main([*words, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["latents"]["seed"] for line in lines] == [4, 5]
    assert {line["latents"]["weight"] for line in lines} == {0.5}
    far = ["edit", "like", "a.jpg", "--prompt", "a man", "--weight", "2"]
    assert main(far) == ExitCode.USAGE
    assert "Use --weight from 0" in " ".join(capsys.readouterr().err.split())
    assert main(["edit", "like"]) == ExitCode.USAGE
    assert last_line(capsys) == "error: there is no photo. Give one, as in photo.jpg"


def test_an_image_prompt_is_an_option_of_sampling(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sample", "a man", "--image", photo("a.jpg"), "--weight", "0.7", "--seeds", "4,5"]
    assert main([*words, "--json"]) == 0
    drawn = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["latents"]["seed"] for line in drawn] == [4, 5]
    assert {line["latents"]["weight"] for line in drawn} == {0.7}
    like = ["edit", "like", "a.jpg", "--prompt", "a man", "--weight", "0.7", "--seeds", "4"]
    assert main([*like, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["latents"] == drawn[0]["latents"]
    Path("a.jpg").unlink()
    assert main(["sample", "--from", drawn[0]["path"], "--out", "again"]) == 0
    same = capsys.readouterr().out.strip()
    difference = ImageChops.difference(Image.open(same), Image.open(drawn[0]["path"]))
    assert max(high for _, high in difference.getextrema()) <= 2  # another size of a batch


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--image", "a.jpg", "--best-of", "4"), "an image prompt takes no --best-of"),
        (("--image", "a.jpg", "--latents", "x"), "an image prompt takes no --latents"),
        (("--image", "a.jpg", "--weight", "0.5"), "no prompt to weigh the image against"),
        (("a man", "--weight", "0.5"), "no image to weigh. Give an --image"),
    ],
)
def test_what_an_image_prompt_does_not_take(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo("a.jpg")
    assert main(["sample", *words]) == ExitCode.USAGE
    assert message in last_line(capsys)
