"""Pairs in less than float32: what changes, what the folder says of it, and who may go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import c2l
from c2l.devices import resolve_precision
from c2l.errors import BadInput, C2LError, DeviceUnavailable, IncompatibleParts
from c2l.pairs import build_pairs
from c2l.pairs.job import job_of
from c2l.testing import ToyEmbedder, ToyGenerator, toy_parts


def has_units() -> bool:
    try:
        resolve_precision("bf16", torch.device("cpu"))
    except DeviceUnavailable:
        return False
    return True


needs_units = pytest.mark.skipif(not has_units(), reason="this processor has no bf16")


def demo_parts() -> tuple[c2l.Generator, c2l.Embedder]:
    return (
        c2l.load_generator("stylegan:demo-faces", device="cpu"),
        c2l.load_embedder("openclip:demo", device="cpu"),
    )


@needs_units
def test_bf16_is_near_and_the_folder_says_how_near(tmp_path: Path) -> None:
    exact = build_pairs(*demo_parts(), 40, tmp_path / "exact", batch_size=8)
    parts = demo_parts()
    pairs = build_pairs(*parts, 40, tmp_path / "p", batch_size=8, precision="bf16")
    assert torch.equal(pairs.latents, exact.latents)
    spread = (exact.embeddings - exact.embeddings.mean(dim=0)).square().mean().sqrt()
    change = float((pairs.embeddings - exact.embeddings).square().mean().sqrt() / spread)
    assert 0.0005 < change < 0.05
    assert pairs.manifest.embedding_error == pytest.approx(change, rel=0.5)
    assert (pairs.manifest.precision, exact.manifest.precision) == ("bf16", "float32")
    assert pairs.manifest.fingerprint() != exact.manifest.fingerprint()
    # Weights are the same; who draws elsewhere, or later, computes as the folder says.
    assert pairs.manifest.embedder.fingerprint == exact.manifest.embedder.fingerprint
    (tmp_path / "p" / "pairs-00000.json").unlink()
    before = (tmp_path / "p" / "pairs-00000.safetensors").read_bytes()
    job_of(parts, pairs.manifest, tmp_path / "p").open("cpu").run_shard(0)
    assert (tmp_path / "p" / "pairs-00000.safetensors").read_bytes() == before
    build_pairs(*demo_parts(), 40, tmp_path / "p")
    with pytest.raises(IncompatibleParts, match="its precision is bf16, not float32"):
        build_pairs(*demo_parts(), 40, tmp_path / "p", precision="float32")


@needs_units
def test_towers_in_bf16_give_float32_and_keep_their_fingerprint() -> None:
    embedder = c2l.load_embedder("openclip:demo", device="cpu")
    images, texts = torch.rand(2, 3, 64, 64) * 2 - 1, ["a man", "an old woman with glasses"]
    text, seen = embedder.embed_text(texts), embedder.embed_images(images)
    fingerprint = embedder.fingerprint()
    embedder.compute_in(torch.bfloat16)
    for rounded, exact in (
        (embedder.embed_images(images), seen),
        (embedder.embed_text(texts), text),
    ):
        assert rounded.dtype == torch.float32 and not torch.equal(rounded, exact)
        torch.testing.assert_close(rounded, exact, rtol=0.1, atol=0.1 * float(exact.std()))
    assert embedder.fingerprint() == fingerprint


def test_latents_in_half_of_the_room(tmp_path: Path) -> None:
    exact = build_pairs(*toy_parts(), 40, tmp_path / "exact")
    pairs = build_pairs(*toy_parts(), 40, tmp_path / "p", latents="float16")
    assert torch.equal(pairs.latents, exact.latents.half().float())
    assert torch.equal(c2l.load_pairs(tmp_path / "p").latents, pairs.latents)
    assert torch.equal(pairs.embeddings, exact.embeddings)
    assert len(build_pairs(*toy_parts(), 60, tmp_path / "p")) == 60  # the folder's own
    with pytest.raises(IncompatibleParts, match="its latent dtype is float16, not float32"):
        build_pairs(*toy_parts(), 60, tmp_path / "p", latents="float32")


def test_the_folder_says_what_half_of_the_room_changes(tmp_path: Path) -> None:
    exact = build_pairs(*toy_parts(), 40, tmp_path / "exact").latents
    pairs = build_pairs(*toy_parts(), 40, tmp_path / "p", latents="float16")
    change = (pairs.latents - exact).square().mean() / (exact - exact.mean(dim=0)).square().mean()
    assert pairs.manifest.latent_error == pytest.approx(float(change.sqrt()), rel=0.1)
    assert 0 < pairs.manifest.latent_error < 1 / 2048


def test_latents_too_large_for_it(tmp_path: Path) -> None:
    class Large(ToyGenerator):
        def sample_latents(self, seeds: object) -> torch.Tensor:
            return super().sample_latents(seeds) * 1e6  # type: ignore[arg-type]

    with pytest.raises(C2LError, match=r"gives NaN or infinity for seed 0"):
        build_pairs(Large(), ToyEmbedder(), 10, tmp_path, latents="float16")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"latents": "int8"}, "latents are not stored in 'int8'"),
        ({"precision": "fp8"}, "unknown precision 'fp8'"),
        ({"precision": "bf16"}, "computes in float32 only|does not support"),
    ],
)
def test_what_cannot_be(tmp_path: Path, asked: dict[str, str], says: str) -> None:
    with pytest.raises((BadInput, DeviceUnavailable), match=says):
        build_pairs(*toy_parts(), 10, tmp_path / "p", **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "p").exists()
