"""Latents from seeds: shards without them, and readers that draw them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import c2l
from c2l.errors import BadInput, C2LError, IncompatibleParts
from c2l.pairs import build_pairs, load_pairs, redrawing
from c2l.testing import ToyGenerator, toy_parts

SIZES = {"shard_size": 20, "batch_size": 8}


@pytest.fixture(scope="module")
def parts() -> tuple[c2l.Generator, c2l.Embedder]:
    return (
        c2l.load_generator("stylegan:demo-faces", device="cpu"),
        c2l.load_embedder("openclip:demo", device="cpu"),
    )


@pytest.mark.parametrize("groups", [None, (4, 4, 4)])
def test_they_are_the_same_bits(
    tmp_path: Path, parts: tuple[c2l.Generator, c2l.Embedder], groups: tuple[int, ...] | None
) -> None:
    stored = build_pairs(*parts, 30, tmp_path / "stored", groups=groups, **SIZES)
    build_pairs(*parts, 30, tmp_path / "p", groups=groups, latents="seeds", **SIZES)
    file = load_file(tmp_path / "p" / "pairs-00000.safetensors")
    assert sorted(file) == ["embeddings", "seeds"]
    before = torch.get_num_threads()
    torch.set_num_threads(before % 2 + 1)  # the number of whoever reads has no say
    try:
        pairs = load_pairs(tmp_path / "p")
        assert torch.equal(pairs.latents, stored.latents)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(pairs.embeddings, stored.embeddings)
    assert torch.equal(load_pairs(tmp_path / "p").rows(15, 25)[1], stored.latents[15:25])
    assert pairs.manifest.latent_error == 0.0
    assert pairs.manifest.fingerprint() != stored.manifest.fingerprint()


def test_a_folder_that_was_begun_goes_on(
    tmp_path: Path, parts: tuple[c2l.Generator, c2l.Embedder]
) -> None:
    build_pairs(*parts, 10, tmp_path, latents="seeds", **SIZES)
    assert build_pairs(*parts, 30, tmp_path).manifest.latent_dtype == "seeds"
    with pytest.raises(IncompatibleParts, match="its latent dtype is seeds, not float32"):
        build_pairs(*parts, 30, tmp_path, latents="float32")


def test_a_reader_without_the_generator(
    tmp_path: Path, parts: tuple[c2l.Generator, c2l.Embedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    build_pairs(*parts, 10, tmp_path, latents="seeds", **SIZES)
    again = r"the latents of .* are drawn again by stylegan:demo-faces"
    with monkeypatch.context() as patch:
        patch.setattr(c2l.Generator, "fingerprint", lambda self: "0" * 64)
        with pytest.raises(IncompatibleParts, match=f"{again}, which has other weights now"):
            load_pairs(tmp_path)

    def missing(*_: Any, **__: Any) -> None:
        raise BadInput("there is no such file")

    monkeypatch.setattr("c2l.loading.load_generator", missing)
    with pytest.raises(BadInput, match=f"{again}: there is no such file"):
        load_pairs(tmp_path)


def test_parts_that_nobody_else_can_load(tmp_path: Path) -> None:
    generator, embedder = toy_parts()
    with pytest.raises(C2LError, match="drawn again by toy:generator: no plugin provides"):
        build_pairs(generator, embedder, 10, tmp_path / "p", latents="seeds")
    generator.reference = ""
    with pytest.raises(BadInput, match="no reader of the pairs can load ToyGenerator"):
        build_pairs(generator, embedder, 10, tmp_path / "p", latents="seeds")
    assert not (tmp_path / "p").exists()


def test_a_generator_whose_latents_do_not_follow_from_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moody(ToyGenerator):
        def sample_latents(self, seeds: Any) -> torch.Tensor:
            return super().sample_latents(seeds) + torch.rand(())

    monkeypatch.setattr(redrawing, "can_be_loaded", lambda part: True)
    monkeypatch.setattr(redrawing, "generator_of", lambda out, wanted: Moody())
    with pytest.raises(C2LError, match="draws other latents of the same seeds"):
        build_pairs(Moody(), toy_parts()[1], 10, tmp_path / "p", latents="seeds")
