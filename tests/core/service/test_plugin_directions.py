"""Directions on cards of plugins: listed, fetched and gone along like any other weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import c2l
from c2l.cli.app import main
from c2l.errors import BadInput, BadReference, IncompatibleParts, NotDownloaded
from c2l.kept_directions import kept_folder, place_of
from c2l.plugins import registry
from c2l.service import list_models, pull_weights, remove_weights, show_model
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior, install_package, on_path
from c2l_registry import KindSpec
from c2l_registry.weights import cached_path

CARDS = """
[[model]]
reference = "direction:shape"
summary = "Another shape"
licence = "MIT"
file = "shape.safetensors"

[[model]]
reference = "direction:far"
summary = "Elsewhere"
licence = "see its page"
urls = ["https://example.org/far.safetensors"]
"""
PLUGIN = """
import pathlib
import c2l

@c2l.hookimpl
def c2l_register_cards(register):
    register(pathlib.Path(__file__).parent / "cards.toml")
"""


@pytest.fixture(scope="module")
def shape() -> c2l.Direction:
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior(guidance=64))
    return pipeline.direction("shape1", "shape2", num=8)


@pytest.fixture
def site(tmp_path: Path, shape: c2l.Direction) -> Iterator[Path]:
    """A folder with a package that ships one direction, and knows where another is."""
    folder = tmp_path / "site"
    install_package(folder, "c2l-shapes", {"shapes": PLUGIN}, files={"cards.toml": CARDS})
    shape.save(folder / "shape.safetensors")
    with on_path(folder):
        registry.cache_clear()
        yield folder
    registry.cache_clear()


def test_it_is_listed_and_shown_with_its_licence(site: Path) -> None:
    rows = {row.reference: row for row in list_models("direction")}
    assert rows["direction:shape"].state == "embedded"
    assert rows["direction:far"].state == "to be fetched"
    assert {rows[f"direction:{name}"].plugin for name in ("shape", "far")} == {"shapes"}
    shown = show_model("direction:shape")
    assert shown["licence"] == "MIT" and shown["made"]["end"] == "shape2"
    assert shown["fingerprint"] == ToyGenerator().fingerprint()


def test_python_goes_along_it(site: Path, shape: c2l.Direction) -> None:
    found = c2l.load_direction("direction:shape", ToyGenerator())
    assert found.card == shape.card and found.step.equal(shape.step)


def test_what_is_elsewhere_is_fetched_first(site: Path) -> None:
    with pytest.raises(NotDownloaded, match="c2l models pull direction:far"):
        place_of("far")
    card = registry().cards("direction")["direction:far"]
    path = cached_path(card, registry().environ)
    assert path is not None and not path.exists()
    path.parent.mkdir(parents=True)
    shutil.copy(site / "shape.safetensors", path)
    assert place_of("direction:far") == path
    (pulled,) = pull_weights(["direction:far"])
    assert (pulled.state, pulled.licence) == ("here", "see its page")
    (removed,) = remove_weights(["direction:far"])
    assert removed.freed > 0 and not path.exists()


def test_one_that_is_kept_here_comes_first(site: Path, shape: c2l.Direction) -> None:
    kept = kept_folder() / "shape.safetensors"
    kept.parent.mkdir(parents=True)
    shape.save(kept)
    assert place_of("shape") == kept
    assert show_model("direction:shape")["path"] == str(kept)
    (pulled,) = pull_weights(["direction:shape"])
    assert (pulled.state, pulled.path) == ("here", str(kept))
    remove_weights(["direction:shape"])
    assert place_of("shape") == site / "shape.safetensors"
    with pytest.raises(BadInput, match="no file in the weights folder"):
        remove_weights(["direction:shape"])


def test_pictures_are_moved_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["edit", "direction", "a sad man", "--seeds", "2", "--out", str(tmp_path), "--json"]
    assert main([*words, "--direction", "demo-smile"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["latents"]["name"] == "a sad face -> a smiling face"


def test_it_moves_its_own_generator_alone(site: Path) -> None:
    demo = c2l.load_generator("stylegan:demo-faces", device="cpu")
    with pytest.raises(IncompatibleParts, match="direction:shape moves latents of"):
        c2l.load_direction("direction:shape", demo)


def test_the_kind_is_c2l_s_own() -> None:
    spec = KindSpec("direction", "generator", "fractions:Fraction", "Mine")
    with pytest.raises(BadReference, match="'direction' is one of c2l itself"):
        registry().register(spec, object)


def test_a_plugin_registers_no_kind_of_directions(tmp_path: Path) -> None:
    source = PLUGIN.replace("cards(register)", "kinds(register)").replace(
        'pathlib.Path(__file__).parent / "cards.toml"',
        'c2l.KindSpec("move", "direction", "fractions:Fraction", "Moves")',
    )
    install_package(tmp_path / "site", "c2l-moves", {"moves": source})
    with on_path(tmp_path / "site"):
        registry.cache_clear()
        assert "give a card direction:NAME" in registry().plugin("moves").error
    registry.cache_clear()
