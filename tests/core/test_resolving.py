"""References that stand in files: found from here, or beside the file that names them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import c2l
from c2l.budgets import EVALUATION, OPTIMISING, PAIRS, SAMPLING, VALIDATION
from c2l.cli.app import main
from c2l.errors import BadPath, BadReference, BadWeights, NotReadable, UnknownReference
from c2l.files import write_atomically
from c2l.pairs import build_pairs, references_of
from c2l.places import RemotePath, place_of
from c2l.resolving import find_part, own_folder, resolve_beside
from c2l.testing import toy_parts


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``gan.pkl`` in it, seen from another that has none."""
    elsewhere, place = tmp_path / "elsewhere", tmp_path / "place"
    elsewhere.mkdir()
    (place / "parts").mkdir(parents=True)
    for name in ("gan.pkl", "parts/gan.pkl"):
        (place / name).touch()
    monkeypatch.chdir(elsewhere)
    return place


@pytest.mark.parametrize("kind", ["stylegan:", ""])
@pytest.mark.parametrize("name", ["./gan.pkl", "./parts/gan.pkl", "../place/gan.pkl"])
def test_a_path_leads_from_the_file_that_names_it(place: Path, kind: str, name: str) -> None:
    wanted = f"{kind}{name}"
    found = resolve_beside(wanted, place)
    if name.startswith("../"):  # leads from here too, and here comes first
        assert found == wanted
    else:
        assert found == f"{kind}{place / name}"


def test_where_somebody_worked_comes_first(place: Path) -> None:
    Path("gan.pkl").touch()
    assert resolve_beside("stylegan:./gan.pkl", place) == "stylegan:./gan.pkl"


def test_folders_are_tried_in_their_order(place: Path) -> None:
    found = resolve_beside("stylegan:./gan.pkl", place / "empty", place / "parts", place)
    assert found == f"stylegan:{place}/parts/gan.pkl"


@pytest.mark.parametrize(
    "reference",
    ["stylegan:ffhq-1024", "stylegan:./gone.pkl", "/nowhere/gan.pkl", "~nosuchuser/x", "", "x y"],
)
def test_all_else_stays_as_it_is(place: Path, reference: str) -> None:
    assert resolve_beside(reference, place) == reference
    assert resolve_beside(reference) == reference


def test_a_folder_given_from_here_gives_absolute_paths(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.parent)
    assert resolve_beside("./gan.pkl", Path("place")) == str(place / "gan.pkl")


def test_parts_lie_beside_what_names_them_in_a_store_too(place: Path) -> None:
    store = RemotePath("memory", "resolving/place")
    (store / "parts/gan.pkl").write_bytes(b"")
    beside = own_folder("flow:memory://resolving/place/prior.safetensors")
    assert beside == (store,)
    found = resolve_beside("stylegan:./parts/gan.pkl", *beside)
    assert found == "stylegan:memory://resolving/place/parts/gan.pkl"
    for other in ("stylegan:./gan.pkl", "stylegan:/parts/gan.pkl", "s3://b/gan.pkl"):
        assert resolve_beside(other, *beside) == other


def test_a_part_in_a_store_is_called_by_its_address() -> None:
    text = "flow:memory://resolving/none.safetensors"
    with pytest.raises(UnknownReference, match="there is no memory://resolving/none"):
        find_part(text, "prior")
    address = "memory://resolving/bad.safetensors"
    write_atomically(place_of(address), b"no weights")
    for reference in (address, f"flow:{address}"):
        with pytest.raises(BadWeights) as caught:
            c2l.load_prior(reference)
        assert address in caught.value.message and "/tmp" not in str(caught.value)


def test_pairs_that_were_moved_find_their_parts(place: Path, tmp_path: Path) -> None:
    generator, embedder = toy_parts()
    manifest = build_pairs(generator, embedder, 4, tmp_path / "pairs").manifest
    named = {
        "generator": dataclasses.replace(manifest.generator, reference="stylegan:./gan.pkl"),
        "embedder": dataclasses.replace(manifest.embedder, reference="openclip:./clip"),
    }
    manifest = dataclasses.replace(manifest, **named)
    (place / "pairs" / "clip").mkdir(parents=True)
    assert references_of(place / "pairs", manifest) == (
        f"stylegan:{place}/gan.pkl",  # beside the folder
        f"openclip:{place}/pairs/clip",  # in it
    )


@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        ("~nosuchuser/x.pkl", BadPath, "~nosuchuser is not a home folder"),
        ("stylegan:~nosuchuser/x.pkl", BadPath, "~nosuchuser is not a home folder"),
        ("./x\0.pkl", BadReference, "control character"),
        ("stylegan:./x\0.pkl", BadReference, "control character"),
        ("./\udcff.pkl", BadReference, "not valid UTF-8"),
        ("./" + "x" * 5000, NotReadable, "name too long"),
        ("./gone.pkl", UnknownReference, "there is no file or folder gone.pkl"),
    ],
)
@pytest.mark.parametrize("load", [c2l.load_generator, c2l.load_embedder, c2l.load_prior, c2l.fetch])
def test_paths_that_lead_nowhere_are_one_line(
    place: Path, load: object, reference: str, error: type[Exception], said: str
) -> None:
    if reference.startswith("stylegan:") and load not in (c2l.load_generator, c2l.fetch):
        pytest.skip("another interface")
    with pytest.raises(error, match=f"(?i){said}") as caught:
        load(reference)  # type: ignore[operator]
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400
    if load is c2l.load_generator:
        assert main(["models", "inspect", reference]) in (1, 2, 4)


def test_a_bare_path_of_a_generator(place: Path) -> None:
    data = Path(__file__).parents[1] / "data" / "stylegan" / "sg2-ada-32" / "network.pkl"
    spec, source = find_part(str(data), "generator")
    assert spec.kind == "stylegan" and str(source.reference) == f"stylegan:{data}"


def test_budgets_count_pixels() -> None:
    assert PAIRS.pictures((128, 128), "cpu") == 16
    assert PAIRS.pictures((1024, 1024), "cpu") == PAIRS.pictures((4096, 4096), "cuda") == 1
    assert PAIRS.pictures((1024, 512), "cuda") == PAIRS.pictures((512, 1024), "mps") == 8
    at_1024 = [b.pictures((1024, 1024), "cpu") for b in (SAMPLING, EVALUATION, OPTIMISING)]
    assert at_1024 == [4, 1, 1] and VALIDATION.pictures((256, 256), "cuda") == 4
