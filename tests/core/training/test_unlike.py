"""Pairs whose rows do not belong together are found, and nothing else is taken for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forging import forge
from torch import Tensor

import c2l
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.training import train_prior
from c2l.training.unlike import find_unlike, recognition

torch.set_num_threads(1)
NUM = 400


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> c2l.Pairs:
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), NUM, tmp_path_factory.mktemp("pairs"))


def some(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def with_rows(pairs: c2l.Pairs, embeddings: Tensor, latents: Tensor) -> c2l.Pairs:
    """The same pairs, had they been read so."""
    manifest = dataclasses.replace(pairs.manifest, num=len(embeddings))
    other = dataclasses.replace(pairs, manifest=manifest)
    other.__dict__["_tensors"] = embeddings, latents
    return other


@pytest.mark.parametrize("bad", [slice(None), slice(NUM // 2), slice(NUM // 2, None)])
def test_pairs_of_strangers(pairs: c2l.Pairs, bad: slice) -> None:
    """All of them, or only those in half of the shards."""
    latents = pairs.latents.clone()
    latents[bad] = latents[bad].roll(1, dims=0)
    (odd,) = find_unlike(with_rows(pairs, pairs.embeddings, latents), ToyGenerator(), ToyEmbedder())
    assert odd.deaf and "`c2l pairs`" in odd.cure and "`c2l check`" in odd.cure


class Noisy(ToyGenerator):
    """Draws other pictures each time."""

    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        images = super().synthesize(latents, **options)
        return (images + 3 * torch.randn_like(images)).clamp(-1, 1)


class OneWay(ToyEmbedder):
    """Sees a single pixel: all pictures lie on a line."""

    def embed_images(self, images: Tensor) -> Tensor:
        line = torch.linspace(0.5, 1, self.width)
        return 3 + images.float().flatten(1)[:, :1] * line


def test_pictures_that_differ_in_one_way_only(tmp_path: Path) -> None:
    pairs = c2l.build_pairs(ToyGenerator(), OneWay(), NUM, tmp_path)
    assert not find_unlike(pairs, ToyGenerator(), OneWay())


class ByPlace(ToyGenerator):
    """Pictures depend on their place in a batch, hardly on latents."""

    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        images = super().synthesize(latents, **options)
        return 0.02 * images + 0.5 * some(*images.shape).clamp(-1, 1)


class TenPictures(ToyGenerator):
    """Takes latents for others."""

    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        few = self.sample_latents(range(10))
        return super().synthesize(few[(1e6 * latents[:, 0, 0]).long() % 10], **options)


class Blind(ToyEmbedder):
    """Sees all pictures alike."""

    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(images).mul(0).add(1)


class Alike(ToyEmbedder):
    """Sees all pictures nearly alike, to .9999."""

    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(images) + 30


@pytest.mark.parametrize(
    ("generator", "embedder"),
    [
        (ToyGenerator(), ToyEmbedder()),
        (Noisy(), ToyEmbedder()),
        (ByPlace(), ToyEmbedder()),
        (TenPictures(), ToyEmbedder()),
        (ToyGenerator(), Blind()),
        (ToyGenerator(), Alike()),
    ],
)
def test_parts_that_draw_or_see_strangely_are_not_taken_for_it(
    generator: c2l.Generator, embedder: c2l.Embedder, pairs: c2l.Pairs
) -> None:
    torch.manual_seed(0)
    # A row at a time, as in another batch.
    images = torch.cat([generator.synthesize(row) for row in pairs.latents[:100].split(1)])
    seen = embedder.embed_images(images).half().float()
    found = with_rows(pairs, seen, pairs.latents[:100])
    assert not find_unlike(found, generator, embedder)


def test_by_luck_pictures_of_noise_may_know_each_other(pairs: c2l.Pairs) -> None:
    torch.manual_seed(0)
    for start in range(0, NUM - 16, 4):
        latents = pairs.latents[start : start + 16]
        seen = ToyEmbedder().embed_images(Noisy().synthesize(latents))
        assert not find_unlike(with_rows(pairs, seen, latents), Noisy(), ToyEmbedder())


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.bfloat16().float(),
        lambda rows: rows + 0.2 * rows.std(dim=0) * some(*rows.shape, seed=1),
        lambda rows: rows + 10 * rows.norm(dim=1).mean() * some(1, rows.shape[1], seed=2),
        lambda rows: 0.05 * rows,
    ],
    ids=["bf16", "another device", "another preprocessing", "another length"],
)
def test_what_changes_embeddings_a_little_or_all_alike(
    pairs: c2l.Pairs, change: Callable[[Tensor], Tensor]
) -> None:
    other = with_rows(pairs, change(pairs.embeddings), pairs.latents)
    assert not find_unlike(other, ToyGenerator(), ToyEmbedder())


def test_recognition() -> None:
    ours, others = some(16, 8), some(16, 8, seed=1)
    assert recognition(ours, ours) == 1
    assert recognition(ours + 10 * others[:1], ours) == recognition(ours, 9 * ours) == 1
    assert 0.3 < recognition(ours, others) < 0.7
    half = torch.cat([ours[:8], others[8:]])
    assert recognition(ours, half) == recognition(ours.flip(0), half.flip(0)) < 0.7
    same = torch.ones(16, 8)
    assert recognition(same, same) == 0.5


def test_many_pictures_are_not_drawn_again(pairs: c2l.Pairs) -> None:
    drawn = []

    class Counting(ToyGenerator):
        def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
            drawn.append(len(latents))
            return super().synthesize(latents, **options)

    find_unlike(pairs, Counting(), ToyEmbedder())
    assert sum(drawn) == 16


def test_training_says_so(tmp_path: Path) -> None:
    pairs = forge(c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 100, tmp_path / "pairs"))
    report = train_prior(
        "ridge",
        pairs,
        tmp_path / "x.safetensors",
        generator=ToyGenerator(),
        embedder=ToyEmbedder(),
        student=False,
    )
    assert "these say little, since pictures drawn again from the stored latents" in report.verdict
    assert "more pairs" not in report.verdict
