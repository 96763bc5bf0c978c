"""Paths to parts: without a kind, from elsewhere, and without the ``./`` that makes them paths."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

import c2l
from c2l.cli.app import main
from c2l.errors import BadInput, BadReference, BadWeights, DeviceUnavailable, UnknownReference
from c2l.prior_file import PartCard, PriorCard
from c2l.testing import ToyPrior, toy_parts

DATA = Path(__file__).parents[1] / "data"
CHECKPOINTS = sorted((DATA / "c2l-prior").glob("*/*.ckpt"))
PICKLE = DATA / "stylegan" / "sg2-ada-32" / "network.pkl"
FOLDER = DATA / "openclip-tiny" / "tiny-gelu"


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_checkpoint_of_the_authors_needs_no_kind(path: Path) -> None:
    prior = c2l.load_prior(str(path))
    assert type(prior).__name__ == "DiffusionPrior"
    assert prior.reference == f"diffusion:{path}"
    named = c2l.load_prior(f"diffusion:{path}")
    assert prior.fingerprint() == named.fingerprint()


def test_paths_are_taken_as_python_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = c2l.load_generator(PICKLE)
    assert generator.reference == f"stylegan:{PICKLE}"
    monkeypatch.chdir(PICKLE.parent)
    assert c2l.load_generator(Path(PICKLE.name)).reference == f"stylegan:./{PICKLE.name}"
    up = Path("..") / PICKLE.parent.name / PICKLE.name
    assert c2l.load_generator(up).fingerprint() == generator.fingerprint()
    with pytest.raises(UnknownReference, match="no file"):
        c2l.load_pipeline(prior=Path("missing.safetensors"))


@pytest.mark.parametrize("path", CHECKPOINTS[:2], ids=lambda path: path.stem)
def test_inspect_knows_priors(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "inspect", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    prior = c2l.load_prior(str(path))
    assert told["prior"] == "diffusion" and prior.settings().items() <= told.items()
    assert told["repeats"] == list(prior.repeats or ())
    assert told["parameters"] == sum(p.numel() for p in prior.parameters())
    assert told["size"] == path.stat().st_size and len(told["sha256"]) == 64


def test_a_file_that_nothing_knows(tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    torch.save({"state_dict": {"layer4.weight": torch.ones(3)}}, path)
    for load, interface in ((c2l.load_prior, "prior"), (c2l.load_generator, "generator")):
        with pytest.raises(UnknownReference, match=f"no {interface} plugin recognises") as caught:
            load(str(path))
        assert "KIND:" in caught.value.hint and "c2l models list" in caught.value.hint
    (tmp_path / "x.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(BadWeights, match="not a readable safetensors file"):
        c2l.load_prior(str(tmp_path / "x.safetensors"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is an empty file, not weights"),
        (b"\n<!DOCTYPE html><title>404</title>", "is a web page, not weights"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer, not weights"),
    ],
    ids=["empty", "page", "pointer"],
)
@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".ckpt"])
def test_what_an_address_gave_instead_of_weights(
    content: bytes, said: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"network{suffix}"
    path.write_bytes(content)
    for load in (c2l.load_prior, c2l.load_generator):
        with pytest.raises(BadWeights, match=said):
            load(str(path))
    with pytest.raises(BadWeights, match=said):
        c2l.load_generator(f"stylegan:{path}")
    with pytest.raises(BadWeights, match=said):
        c2l.load_prior(f"diffusion:{path}")
    assert main(["models", "inspect", str(path)]) == 9


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generator, an embedder and a prior that names both by relative paths."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copy(PICKLE, folder / "gan.pkl")
    shutil.copytree(FOLDER, folder / "clip")
    generator = c2l.load_generator(f"stylegan:{folder}/gan.pkl")
    embedder = c2l.load_embedder(f"openclip:{folder}/clip")
    latents = generator.sample_latents(range(8))
    embeddings = embedder.embed_images(generator.synthesize(latents))
    from c2l_priors.neighbours import NeighboursPrior

    prior = NeighboursPrior(
        embedding_width=embeddings.shape[1], num_codes=1, latent_width=latents.shape[2]
    )
    prior.fit(embeddings, latents)
    parts = {"generator": "stylegan:./gan.pkl", "embedder": "openclip:./clip"}
    cards = {
        role: dataclasses.replace(PartCard.of(part), reference=parts[role])
        for role, part in (("generator", generator), ("embedder", embedder))
    }
    card = PriorCard(
        kind="neighbours",
        settings=prior.settings(),
        repeats=generator.latent_space.repeats,
        **cards,
    )
    prior.save(folder / "faces.safetensors", card)
    return folder


def test_parts_are_found_where_they_were_trained(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    pipeline = c2l.load_pipeline(prior="./faces.safetensors")
    assert pipeline.generator.reference == "stylegan:./gan.pkl"


def test_a_folder_may_be_moved_and_named_from_elsewhere(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(trained, moved)
    monkeypatch.chdir(tmp_path)
    for named in ("./moved/faces.safetensors", str(moved / "faces.safetensors")):
        pipeline = c2l.load_pipeline(prior=named)
        assert pipeline.generator.reference == f"stylegan:{moved}/gan.pkl"
        assert pipeline("a face", seed=0).images.shape == (1, 3, 32, 32)


def test_a_prior_without_its_parts_says_how_to_name_them(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(trained / "faces.safetensors", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownReference, match=r"trained for the generator stylegan:\./gan\.pkl"
                       ) as caught:  # fmt: skip
        c2l.load_pipeline(prior="./faces.safetensors")
    assert caught.value.hint == "Give its path with `generator`"
    assert caught.value.field == "generator"
    with pytest.raises(UnknownReference) as caught:
        c2l.load_pipeline(prior="./faces.safetensors", generator=f"stylegan:{trained}/gan.pkl")
    assert caught.value.hint == "Give its path with `embedder`"


def test_a_prior_of_a_kind_that_is_not_installed(trained: Path, tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    source = trained / "faces.safetensors"
    with safe_open(source, framework="pt") as file:
        told = file.metadata()["c2l"]
    path = tmp_path / "x.safetensors"
    save_file(load_file(source), path, {"c2l": told.replace('"neighbours"', '"wavelets"')})
    with pytest.raises(UnknownReference, match="is a prior of kind wavelets") as caught:
        c2l.load_prior(str(path))
    assert "Install the plugin that provides wavelets" in caught.value.hint


def test_a_file_without_its_dot_and_slash(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    with pytest.raises(BadReference) as bad:
        c2l.load_prior("faces.safetensors")
    assert "write ./faces.safetensors" in bad.value.hint
    with pytest.raises(UnknownReference) as unknown:
        c2l.load_prior("neighbours:faces.safetensors")
    assert "neighbours:./faces.safetensors" in unknown.value.hint
    with pytest.raises(BadReference) as bad:
        c2l.load_prior("absent.safetensors")
    assert "a path, as in ./absent.safetensors" in bad.value.hint


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor on which bf16 pays."""
    monkeypatch.setattr("c2l.devices._has_units", lambda dtype, device: dtype == torch.bfloat16)


def test_generator_and_prior_compute_in_less(units: None) -> None:
    checkpoint = str(CHECKPOINTS[0])
    parts = {"generator": f"stylegan:{PICKLE}", "embedder": f"openclip:{FOLDER}"}
    exact = c2l.load_pipeline(prior=checkpoint, **parts)
    rough = c2l.load_pipeline(prior=checkpoint, **parts, precision="bf16")
    embeddings = torch.randn(2, exact.prior.config.embedding_width)
    expected, latents = (p.prior.sample(embeddings, seeds=[1, 2]) for p in (exact, rough))
    assert latents.dtype == torch.float32
    assert 0 < (latents - expected).std() / expected.std() < 0.1
    ws = exact.generator.sample_latents([1])
    expected, images = (p.generator.synthesize(ws) for p in (exact, rough))
    assert 0 < (images - expected).std() / expected.std() < 0.1
    for way, asked in (("embed_text", ["a man", "a woman"]), ("embed_images", images)):
        expected, seen = (getattr(p.embedder, way)(asked) for p in (exact, rough))
        assert seen.dtype == torch.float32
        assert 0 < (seen - expected).norm() / expected.norm() < 0.1
    assert exact.provenance["fingerprints"] == rough.provenance["fingerprints"]


def test_a_precision_that_nothing_computes_in(units: None) -> None:
    generator, embedder = toy_parts()
    with pytest.raises(BadInput, match="toy:generator computes in float32 only; toy:prior comp"):
        c2l.load_pipeline(
            generator=generator, embedder=embedder, prior=ToyPrior(), precision="bf16"
        )
    with pytest.raises(BadInput, match="unknown precision 'int8'") as caught:
        c2l.load_generator(f"stylegan:{PICKLE}", precision="int8")
    assert "float32, bf16 or fp16" in caught.value.hint
    with pytest.raises(DeviceUnavailable, match="this processor does not support fp16"):
        c2l.load_pipeline(precision="fp16")
