"""Directions kept by name: found, listed without torch, and removed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import c2l
from c2l.errors import BadInput, UnknownReference
from c2l.kept_directions import kept_folder, place_of, place_to_keep
from c2l.service import list_models, remove_weights, show_model
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture
def kept() -> Path:
    """A direction that is kept as ``shape``."""
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior(guidance=64))
    direction = pipeline.direction("shape1", "shape2", num=8)
    place = place_to_keep("shape")
    place.parent.mkdir(parents=True, exist_ok=True)
    return direction.save(place)


def test_a_name_is_a_file_in_the_home_folder(kept: Path) -> None:
    assert kept == kept_folder() / "shape.safetensors"
    assert place_of("shape") == place_of("direction:shape") == kept


def test_anything_else_is_a_path(kept: Path) -> None:
    for text in ("./shape", "a/shape", "shape.safetensors", "Shape"):
        assert place_to_keep(text) == Path(text)
        assert place_of(text) == Path(text)


def test_a_file_of_that_name_comes_first(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shape").write_bytes(b"x")
    assert place_of("shape") == Path("shape")
    assert place_of("direction:shape") == kept


def test_names_that_are_not_there(kept: Path) -> None:
    with pytest.raises(UnknownReference, match=r"no direction shap.*Did you mean shape"):
        place_of("shap")
    with pytest.raises(BadInput, match="not the name of a direction"):
        place_of("direction:../shape")


def test_it_is_listed_shown_and_removed(kept: Path) -> None:
    *_, row = list_models("direction")
    assert row.reference == "direction:shape" and row in list_models()
    assert row.summary.startswith("shape1 -> shape2, for ")
    shown = show_model("direction:shape")
    assert shown["path"] == str(kept) and shown["fingerprint"] == ToyGenerator().fingerprint()
    (removed,) = remove_weights(["direction:shape"])
    assert removed.freed > 0 and not kept.exists() and row not in list_models("direction")


def test_what_is_no_direction_is_not_listed(kept: Path) -> None:
    (kept.parent / "broken.safetensors").write_bytes(b"\x10")
    (kept.parent / "other.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert [row.reference for row in list_models("direction") if not row.plugin] == [
        "direction:shape"
    ]


def test_listing_takes_no_torch(kept: Path) -> None:
    code = (
        "import sys; from c2l.service import list_models; "
        "assert list_models('direction'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
