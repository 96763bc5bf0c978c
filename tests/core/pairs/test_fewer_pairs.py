"""A folder that was begun with more pairs than are asked for now, and seeds of 64 bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput, IncompatibleParts
from c2l.pairs import PairsInterrupted, build_pairs, load_pairs, read_manifest
from c2l.testing.toys import ToyEmbedder, ToyGenerator


def build(out: Path, num: int, embedder: ToyEmbedder | None = None, **kwargs: int) -> c2l.Pairs:
    options = {"shard_size": 20, "batch_size": 8, **kwargs}
    return build_pairs(ToyGenerator(), embedder or ToyEmbedder(), num, out, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def begin(out: Path, num: int, batches: int) -> None:
    """Begin a folder, and press Ctrl-C after some batches."""
    embedder, calls = ToyEmbedder(), 0
    look = embedder.embed_images

    def press(images: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > batches:
            raise KeyboardInterrupt
        return look(images)

    embedder.embed_images = press  # type: ignore[method-assign]
    with pytest.raises(PairsInterrupted):
        build(out, num, embedder)


@pytest.mark.parametrize("batches", [0, 3, 4])  # no shard or one is finished
@pytest.mark.parametrize("fewer", [20, 25, 40])
def test_an_unfinished_folder_ends_at_fewer(tmp_path: Path, batches: int, fewer: int) -> None:
    begin(tmp_path / "p", 1000, batches)
    assert len(build(tmp_path / "p", fewer)) == fewer
    build(tmp_path / "whole", fewer)
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")
    build(tmp_path / "p", 60)
    build(tmp_path / "whole", 60)
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")


def test_what_is_finished_is_never_thrown_away(tmp_path: Path) -> None:
    begin(tmp_path, 1000, 7)
    assert len(list(tmp_path.glob("pairs-*.json"))) == 2
    assert len(build(tmp_path, 25)) == 40
    assert read_manifest(tmp_path).num == 40


def test_the_same_number_resumes(tmp_path: Path) -> None:
    begin(tmp_path / "p", 50, 4)
    assert len(build(tmp_path / "p", 50)) == 50
    build(tmp_path / "whole", 50)
    assert contents(tmp_path / "p") == contents(tmp_path / "whole")


def test_other_pairs_are_refused_before_the_number_changes(tmp_path: Path) -> None:
    begin(tmp_path, 50, 4)
    with pytest.raises(IncompatibleParts, match="first seed is 0, not 5"):
        build(tmp_path, 20, first_seed=5)
    assert read_manifest(tmp_path).num == 50


def test_reading_an_unfinished_folder_says_both_ways_out(tmp_path: Path) -> None:
    begin(tmp_path, 50, 4)
    with pytest.raises(BadInput, match="20 of 50") as caught:
        load_pairs(tmp_path)
    assert "num=50" in caught.value.hint and "`num=20`" in caught.value.hint
    build(tmp_path, 20)
    assert len(load_pairs(tmp_path)) == 20


@pytest.mark.parametrize("first", [2**31 - 5, 2**63 - 15, 2**63, 2**64 - 30])
def test_seeds_of_64_bits(tmp_path: Path, first: int) -> None:
    pairs = build(tmp_path, 30, first_seed=first)
    seeds = list(range(first, first + 30))
    assert torch.equal(pairs.latents, ToyGenerator().sample_latents(seeds))
    stored = [
        seed
        for file in sorted(tmp_path.glob("*.safetensors"))
        for seed in safetensors.torch.load_file(file)["seeds"].tolist()
    ]
    assert stored == seeds
    assert torch.equal(load_pairs(tmp_path).latents, pairs.latents)


@pytest.mark.parametrize("first", [-1, 2**64 - 29, 2**64])
def test_seeds_beyond_64_bits(tmp_path: Path, first: int) -> None:
    with pytest.raises(BadInput, match="first_seed") as caught:
        build(tmp_path / "p", 30, first_seed=first)
    assert caught.value.field == "first_seed"
    assert not (tmp_path / "p").exists()
