"""Pictures and priors are told apart by what they hold, whatever they are called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import c2l
from c2l.cli.app import main
from c2l.errors import BadPicture, BadWeights
from c2l.plugins import registry
from c2l.service import PictureFacts, PriorFacts, describe_file


@pytest.fixture(scope="module")
def prior() -> Path:
    _, source = registry().resolve("flow:demo-faces", "prior")
    assert source.path is not None
    return source.path


@pytest.mark.parametrize("name", ["x.safetensors", "x.ckpt", "x.png", "x"])
def test_a_prior_by_any_name(
    prior: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(prior, tmp_path / name))
    facts = describe_file(path)
    assert isinstance(facts, PriorFacts) and facts.card.kind == "flow"
    assert 'prior = "flow"' in facts.run
    assert main(["info", str(path)]) == 0
    assert 'prior = "flow"' in capsys.readouterr().out
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "flow"


@pytest.mark.parametrize("name", ["x.png", "x.safetensors", "x"])
def test_a_picture_by_any_name(tmp_path: Path, name: str) -> None:
    (drawn,) = c2l.load_pipeline()("a man").save(tmp_path)
    facts = describe_file(Path(shutil.move(drawn, tmp_path / name)))
    assert isinstance(facts, PictureFacts) and facts.record["prompt"] == "a man"


def test_what_is_neither(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("text")
    with pytest.raises(BadPicture, match="is neither a picture, a prior nor a direction"):
        describe_file(path)
    with pytest.raises(BadPicture, match="there is no file"):
        describe_file(tmp_path / "gone")
    with pytest.raises(BadPicture):
        describe_file(tmp_path)
    save_file({"x": torch.zeros(1)}, tmp_path / "y.safetensors")
    with pytest.raises(BadWeights, match="not a c2l prior"):
        describe_file(tmp_path / "y.safetensors")
    Image.new("RGB", (4, 4)).save(tmp_path / "z.jpg")
    with pytest.raises(BadPicture, match="carries no c2l record"):
        describe_file(tmp_path / "z.jpg")


def test_several_files_are_told_one_after_the_other(
    prior: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "x.txt"
    text.write_text("text")
    assert main(["info", str(prior), str(text), str(tmp_path / "gone"), str(prior)]) == 9
    out, err = capsys.readouterr()
    assert out.count(f"# {prior}\n") == 2 and out.count('prior = "flow"') == 2
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert [str(text) in errors[0], "there is no file" in errors[1], len(errors)] == [True, True, 2]
