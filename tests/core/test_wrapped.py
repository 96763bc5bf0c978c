"""Packed weights: opened by every kind of part, unpacked no further than weights can go."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch

import c2l
from c2l.cli.app import main
from c2l.errors import BadWeights, ExitCode
from c2l.reading import is_wrapped, unwrapped

DATA = Path(__file__).parents[1] / "data"
NETWORK = DATA / "stylegan" / "sg2-cond-16" / "network.pkl"
PRIOR = DATA / "c2l-prior" / "small" / "checkpoint-released-like.ckpt"
CLIP = DATA / "openclip-tiny" / "tiny-gelu"


def zipped(path: Path, *files: Path, below: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, below + file.name)
    return path


def gzipped(path: Path, file: Path) -> Path:
    path.write_bytes(gzip.compress(file.read_bytes(), 1))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadWeights) as caught:
        c2l.load_generator(f"stylegan:{path}")
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert "c2l-" not in caught.value.message.replace(str(path), "")  # no temporary name
    return str(caught.value)


def test_generators_in_any_packing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = c2l.load_generator(NETWORK).fingerprint()
    text = tmp_path / "README.txt"
    text.write_text("x" * 1000)
    packed = [
        gzipped(tmp_path / "network.pkl.gz", NETWORK),
        gzipped(tmp_path / "renamed.pkl", NETWORK),
        zipped(tmp_path / "a.zip", NETWORK, text, below="some/folder/"),
    ]
    packed += [
        zipped(tmp_path / "in.zip", packed[2]),
        zipped(tmp_path / "both.zip", packed[0]),
        gzipped(tmp_path / "b.zip.gz", packed[2]),
    ]
    for path in packed:
        assert c2l.load_generator(path).fingerprint() == expected, path
        assert main(["models", "inspect", str(path)]) == 0
        told = capsys.readouterr().out
        assert "stylegan2" in told and str(path) in told
    assert main(["models", "convert", str(packed[2]), str(tmp_path / "x.safetensors")]) == 0
    assert c2l.load_generator(tmp_path / "x.safetensors").fingerprint() == expected


def test_priors_and_embedders(tmp_path: Path) -> None:
    yaml = PRIOR.with_suffix(".yaml")
    prior = c2l.load_prior(zipped(tmp_path / "p.zip", PRIOR, *([yaml] if yaml.exists() else [])))
    assert prior.fingerprint() == c2l.load_prior(PRIOR).fingerprint()
    clip = c2l.load_embedder(zipped(tmp_path / "e.zip", *CLIP.iterdir(), below="clip/"))
    assert clip.fingerprint() == c2l.load_embedder(CLIP).fingerprint()


def test_a_checkpoint_is_no_packing(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "x.zip")
    assert not is_wrapped(tmp_path / "x.zip") and not is_wrapped(NETWORK)
    with unwrapped(NETWORK) as same:
        assert same == NETWORK


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("pack", ["gzip", "zip"])
def test_bombs_are_refused_without_memory(pack: str, times: int, tmp_path: Path) -> None:
    inner = tmp_path / "inner.pkl"
    inner.write_bytes(b"\x80\x04" + bytes(60 << 20))
    for i in range(times):
        name = tmp_path / (f"bomb{i}.pkl.gz" if pack == "gzip" else f"bomb{i}.zip")
        inner = gzipped(name, inner) if pack == "gzip" else zipped(name, inner)
    before = {path.name for path in Path(tempfile.gettempdir()).glob("c2l-*")}
    tracemalloc.start()
    assert "would grow to many times its size" in refusal(inner)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * inner.stat().st_size + (4 << 20)
    assert {path.name for path in Path(tempfile.gettempdir()).glob("c2l-*")} <= before


def test_other_archives_are_named(tmp_path: Path) -> None:
    two = zipped(tmp_path / "two.zip", NETWORK, PRIOR)
    assert "network.pkl" in refusal(two) and "not one file of weights" in refusal(two)
    text = tmp_path / "a.txt"
    text.write_text("x")
    assert "a.txt, not one file" in refusal(zipped(tmp_path / "none.zip", text))
    whole = gzipped(tmp_path / "x.pkl.gz", NETWORK).read_bytes()
    (tmp_path / "x.pkl.gz").write_bytes(whole[:-2000])
    assert "is cut off or damaged" in refusal(tmp_path / "x.pkl.gz")
    deep = gzipped(tmp_path / "y.pkl.gz", NETWORK)
    for i in range(4):
        deep = gzipped(tmp_path / f"y{i}.pkl.gz", deep)
    assert "packed too many times" in refusal(deep)
    with zipfile.ZipFile(tmp_path / "same.zip", "w") as archive:
        archive.write(NETWORK, "a/x.pkl")
        archive.write(NETWORK, "b/x.pkl")
    assert "some of one name" in refusal(tmp_path / "same.zip")


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(NETWORK, "../../../escaped.pkl")
    with unwrapped(tmp_path / "x.zip") as inner:
        assert inner.name == "escaped.pkl" and "c2l-" in str(inner)
    assert not list(tmp_path.rglob("escaped.pkl")) and not inner.exists()


def test_what_is_inside_is_refused_by_the_name_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, ("canary",)

    monkeypatch.chdir(tmp_path)
    torch.save({"g_ema": Evil()}, tmp_path / "x.pt")
    for path in (
        zipped(tmp_path / "x.zip", tmp_path / "x.pt"),
        gzipped(tmp_path / "x.gz", tmp_path / "x.pt"),
    ):
        told = refusal(path)
        assert "mkdir" in told and "Do not trust this file" in told
    shutil.copy(DATA.parent / "conftest.py", tmp_path / "note.pkl")
    gzipped(tmp_path / "note.pkl.gz", tmp_path / "note.pkl")
    assert main(["models", "inspect", "note.pkl.gz"]) != ExitCode.OK
    assert "note.pkl.gz" in capsys.readouterr().err
    assert not (tmp_path / "canary").exists()
