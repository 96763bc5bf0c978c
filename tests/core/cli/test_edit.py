"""``c2l edit`` with the embedded demo, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops

from c2l.cli.app import main
from c2l.errors import ExitCode

WIDTH, GAP = 128, 4


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def same(a: str | Path, b: str | Path) -> bool:
    """Whether two PNGs show the same, to the bit."""
    return ImageChops.difference(Image.open(a), Image.open(b)).getbbox() is None


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    """What a command prints with ``--json``."""
    assert main([*words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def told(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> str:
    """The error of a command that ends with a code."""
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    assert not out
    return err.splitlines()[-1]


def columns(path: str) -> int:
    return (Image.open(path).width + GAP) // (WIDTH + GAP)


def test_a_chain_of_four_edits_is_one_picture_that_any_process_draws_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["sample", "a man with a beard", "--seeds", "3", "--out", "."])
    main(["sample", "a young blonde woman", "--seeds", "5", "--out", "."])
    capsys.readouterr()
    a, b = "a-man-with-a-beard-s3.png", "a-young-blonde-woman-s5.png"
    (mixed,) = lines(capsys, "edit", "mix", a, b, "--layers", "4-7")
    (varied,) = lines(capsys, "edit", "vary", str(mixed["path"]), "--amount", "0.2", "--num", "1")
    _, walked, _ = lines(capsys, "edit", "walk", str(varied["path"]), b, "--frames", "3")
    last = lines(
        capsys, "edit", "mix", str(walked["path"]), a, "--layers", "0:0.5,11", "--seeds", "1"
    )
    path = str(last[0]["path"])
    nested, ops = last[0]["latents"], []
    while "op" in nested:  # type: ignore[operator]
        ops.append(nested["op"])  # type: ignore[index]
        nested = nested.get("base") or nested.get("start") or {}  # type: ignore[attr-defined]
    assert ops == ["mix", "interpolate", "vary", "mix", "sample"]
    again = [sys.executable, "-m", "c2l", "sample", "--from", path, "--out", "again"]
    # Another number of threads sums in another order, which may round a pixel to its neighbour.
    environ = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    drawn = subprocess.run(again, check=True, capture_output=True, text=True, env=environ)
    assert same(path, drawn.stdout.strip())


def test_a_walk_and_its_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    walk = ["edit", "walk", "a man", "a woman", "--seeds", "7", "--frames", "5"]
    rows = lines(capsys, *walk)
    assert [Path(str(row["path"])).name for row in rows] == [
        f"a-man-to-a-woman-0{i}.png" for i in range(1, 6)
    ]
    assert rows[0]["latents"] == {"op": "sample", "prompt": "a man", "seed": 7}
    assert rows[2]["latents"]["path"] == "prior"  # type: ignore[index]
    assert set(rows[0]["milliseconds"]) >= {"loading", "latents", "synthesis"}  # type: ignore[call-overload]
    assert columns("pictures/a-man-to-a-woman-sheet.png") == 5
    assert main(walk) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "pictures/a-man-to-a-woman-2-01.png"
    assert "sheet: pictures/a-man-to-a-woman-2-sheet.png" in err and "drew 5" in err


def test_seeds_are_walked_and_what_the_prior_cannot_do_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["edit", "walk", "--seeds", "1-3", "--loop", "-n", "4"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 4
    assert "walking by --path slerp: there is no way through the prior" in err
    rows = lines(capsys, "edit", "walk", "a man", "--seeds", "1-2", "--frames", "2")
    assert [row["latents"]["seed"] for row in rows] == [1, 2]  # type: ignore[index]


def test_neighbours_and_mixes_stand_beside_what_they_came_from(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = lines(capsys, "edit", "vary", "a man", "--seeds", "3", "--num", "3")
    assert [row["latents"]["seed"] for row in rows] == [4, 5, 6]  # type: ignore[index]
    assert columns("pictures/a-man-varied-sheet.png") == 4
    assert len(lines(capsys, "edit", "vary", "a man", "a kid", "--seeds", "3", "--num", "2")) == 4
    sheet = Image.open("pictures/a-man-to-a-kid-varied-sheet.png")
    assert sheet.size == (3 * (WIDTH + GAP) - GAP, 2 * (WIDTH + GAP) - GAP)
    layers = ["--layers", "0-3", "--layers", "4-11:0.5"]
    assert len(lines(capsys, "edit", "mix", "a man", "a kid", "--seeds", "1,2", *layers)) == 2
    assert columns("pictures/a-man-to-a-kid-mixed-sheet.png") == 4


def test_words_that_the_embedder_does_not_know_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["edit", "vary", "a man with a zorgblat", "--num", "1"]) == 0
    assert "does not know 'zorgblat'; drawing without it" in capsys.readouterr().err


def test_what_cannot_be_edited(capsys: pytest.CaptureFixture[str]) -> None:
    main(["sample", "a tree", "--recipe", "demo-landscapes", "--seeds", "1", "--out", "."])
    main(["sample", "a man", "--seeds", "1", "--out", "."])
    Image.new("RGB", (64, 64)).save("photo.jpg")
    Path("broken.png").write_bytes(b"no picture")
    capsys.readouterr()

    error = told(capsys, ExitCode.INCOMPATIBLE, "edit", "walk", "a-man-s1.png", "a-tree-s1.png")
    assert "a-tree-s1.png was drawn by stylegan:demo-landscapes" in error
    assert "not by stylegan:demo-faces" in error and "--recipe demo-landscapes" in error
    error = told(capsys, ExitCode.BAD_FILE, "edit", "vary", "photo.jpg")
    assert "photo.jpg carries no c2l record" in error and "c2l edit invert" in error
    assert "not a picture" in told(capsys, ExitCode.BAD_FILE, "edit", "vary", "broken.png")
    assert "no file" in told(capsys, ExitCode.BAD_FILE, "edit", "mix", "gone.png", "a man")

    usage = ExitCode.USAGE
    mix = ["edit", "mix", "a-man-s1.png", "a kid"]
    assert "--layers 0-5" in told(capsys, usage, *mix)
    assert "layer 12 is not one of the 12" in told(capsys, usage, *mix, "--layers", "12")
    assert "a mix needs two pictures" in told(capsys, usage, "edit", "mix", "a man")
    assert "two ends or more" in told(capsys, usage, "edit", "walk", "a man")
    assert "nothing to edit" in told(capsys, usage, "edit", "walk")
    assert "--frames 0 is less" in told(capsys, usage, "edit", "walk", "a", "b", "--frames", "0")
    assert "--amount 2.0 is above 1" in told(
        capsys, usage, "edit", "vary", "a man", "--amount", "2"
    )
    assert "--num 0 is below 1" in told(capsys, usage, "edit", "vary", "a man", "--num", "0")
    assert "backwards" in told(capsys, usage, "edit", "walk", "a man", "--seeds", "3-1")
    assert "--path round" in told(capsys, usage, "edit", "walk", "a", "b", "--path", "round")
    assert not Path("pictures").exists()
