"""Broken parts in the ordinary commands: each has a line of its own, and a law that names it.

The plugins that break while they are described are in ``tests/registry/test_broken_plugins.py``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l.cli.app import main
from c2l.plugins import registry
from c2l.testing import check, install_package, on_path

DATA = Path(__file__).parents[2] / "data" / "broken-plugins"
MUTANTS = Path(__file__).parent / "mutants"

# By class, the law that is broken.
GENERATORS = {
    "NoEval": "it_is_loaded_to_be_used",
    "Rng": "drawing_leaves_the_process_alone",
    "IgnoreSeeds": "sampling_leaves_the_process_alone",
    "Lat2D": "latents_have_their_shape",
    "Img01": "pictures_are_around_zero",
    "Uint8": "pictures_have_their_shape",
    "Grey1": "pictures_have_their_shape",
    "WrongSize": "pictures_have_their_shape",
    "Nan": "pictures_have_their_shape",
    "BatchDep": "a_picture_is_the_same_in_any_batch",
    "MeanNone": "latent_space_and_image_size_are_well_formed",
    "BadRepeats": "latent_space_and_image_size_are_well_formed",
    "NoTens": "pictures_have_their_shape",
    "Raises": "pictures_have_their_shape",
    "LoadOther": "it_can_be_loaded",
    "Mutates": "drawing_leaves_its_latents_alone",
    "NoTrunc": "drawing_takes_its_options",
    "FpSame": "all_numbers_lie_in_the_state",
    "Grads": "it_is_loaded_to_be_used",
    "BadSettings": "settings_can_be_stored",
    "SysExit": "using_it_does_not_end_the_process",
    "Refuses": "latents_have_their_shape",
    "no_class": "it_can_be_loaded",
    "NoGenerator": "it_can_be_loaded",
    "number": "it_can_be_loaded",
}
EMBEDDERS = {
    "Rank3": "pictures_have_embeddings",
    "HalfPictures": "pictures_have_embeddings",
    "OneRow": "pictures_have_embeddings",
    "Blind": "the_picture_decides",
    "Narrow": "texts_have_embeddings",
    "NanText": "texts_have_embeddings",
    "ZeroText": "texts_have_embeddings",
    "ListOfRows": "texts_have_embeddings",
    "NoWidth": "its_width_is_a_number",
    "RandomCrop": "embedding_leaves_the_process_alone",
    "ClampsInPlace": "embedding_leaves_its_input_alone",
    "Counts": "embedding_again_gives_the_same",
    "PicturesOverBatch": "a_picture_is_the_same_in_any_batch",
    "TextsOverBatch": "a_text_is_the_same_in_any_batch",
    "HiddenWords": "all_numbers_lie_in_the_state",
    "Exits": "using_it_does_not_end_the_process",
    "TensorSettings": "settings_can_be_stored",
}
PRIORS = {
    "NeedsMore": "it_can_be_built",
    "NoBase": "it_can_be_built",
    "FitRaises": "it_can_be_fitted",
    "VectorLoss": "the_loss_is_a_number",
    "NanLoss": "the_loss_is_a_number",
    "NoGradient": "the_loss_is_a_number",
    "FloatLoss": "the_loss_is_a_number",
    "NoLoss": "the_loss_is_a_number",
    "OneRow": "latents_have_their_shape",
    "FlatLatents": "latents_have_their_shape",
    "HalfLatents": "latents_have_their_shape",
    "NanLatents": "latents_have_their_shape",
    "OverBatch": "a_latent_is_the_same_in_any_batch",
    "FirstSeed": "a_latent_is_the_same_in_any_batch",
    "DrawsAtRandom": "sampling_leaves_the_process_alone",
    "IgnoresSeeds": "every_seed_has_a_stream_of_its_own",
    "IgnoresEmbeddings": "the_embedding_decides",
    "NormalisesInPlace": "sampling_leaves_its_embeddings_alone",
    "ForgetsWhatItFitted": "a_saved_prior_draws_as_before",
    "TensorSettings": "settings_can_be_stored",
}
USERS_FAULT = {"Refuses"}
HEALTHY = {"generator": "Base", "prior": "Line"}


def kind_of(interface: str, name: str) -> str:
    return f"{interface}-{name.lower().replace('_', '-')}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package with a kind for each of them, and one with the toy world."""
    rows = [
        *((kind_of("g", n), "generator", f"bad_generators:{n}") for n in [*GENERATORS, "Base"]),
        *((kind_of("e", n), "embedder", f"broken_embedders:{n}") for n in EMBEDDERS),
        *((kind_of("p", n), "prior", f"broken_priors:{n}") for n in [*PRIORS, "Line"]),
        ("toy-g", "generator", "c2l.testing.toys:ToyGenerator"),
        ("toy-e", "embedder", "c2l.testing.toys:ToyEmbedder"),
    ]
    calls = "".join(
        f"    register(c2l.KindSpec({kind!r}, {interface!r}, {factory!r}, 's', open_names=True))\n"
        for kind, interface, factory in rows
    )
    source = f"import c2l\n@c2l.hookimpl\ndef c2l_register_kinds(register):\n{calls}"
    folder = tmp_path_factory.mktemp("site")
    install_package(folder, "c2l-bad", {"bad": source})
    registry.cache_clear()
    with on_path(DATA), on_path(MUTANTS), on_path(folder):
        for name in ("mutant", "broken_embedders", "broken_priors", "bad_generators"):
            importlib.import_module(name)
        yield
    registry.cache_clear()


@pytest.fixture(scope="module")
def pairs(site: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pairs") / "toy"
    assert main(["pairs", "-g", "toy-g:x", "-e", "toy-e:x", "--num", "64", "--out", str(out)]) == 0
    return out


def command(interface: str, name: str, pairs: Path, out: Path) -> list[str]:
    """The ordinary command that meets a part first."""
    kind = kind_of(interface[0], name)
    if interface == "prior":
        options = ["--steps", "20", "--no-student", "--device", "cpu"]
        return ["train", "--pairs", str(pairs), "--prior", kind, "--out", f"{out}.st", *options]
    generator = f"{kind}:x" if interface == "generator" else "toy-g:x"
    embedder = f"{kind}:x" if interface == "embedder" else "toy-e:x"
    return ["pairs", "-g", generator, "-e", embedder, "--num", "8", "--out", str(out)]


CASES = [
    (interface, name, law)
    for interface, rows in (
        ("generator", GENERATORS),
        ("embedder", EMBEDDERS),
        ("prior", PRIORS),
    )
    for name, law in rows.items()
]
TABLE: list[str] = []


@pytest.mark.parametrize(("interface", "name", "law"), CASES, ids=[f"{i}-{n}" for i, n, _ in CASES])
def test_a_broken_part(
    interface: str,
    name: str,
    law: str,
    site: None,
    pairs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    code = main(command(interface, name, pairs, tmp_path / "out"))
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    said = errors[-1].removeprefix("error: ") if errors else ""
    kind = kind_of(interface[0], name)
    report = check(kind if interface == "prior" else f"{kind}:x")
    failed = [failure.law for failure in report.failures]
    TABLE.append(f"{interface:<9} {name:<19} {code}  {', '.join(failed)}\n    {said[:160]}")
    assert code == (2 if name in USERS_FAULT else 7), said
    if name not in USERS_FAULT:
        assert "c2l-bad 1.0" in said and len(errors) == 1
    assert failed == [law], str(report)


@pytest.mark.parametrize("interface", HEALTHY)
def test_those_that_break_nothing(interface: str, site: None, pairs: Path, tmp_path: Path) -> None:
    name = HEALTHY[interface]
    assert main(command(interface, name, pairs, tmp_path / "out")) == 0
    kind = kind_of(interface[0], name)
    assert check(kind if interface == "prior" else f"{kind}:x").passed


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Shown with ``pytest -s``: the exit code, the law, and what was said."""
    with capsys.disabled():
        print("", *TABLE, sep="\n")
