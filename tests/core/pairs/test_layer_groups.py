"""Layer groups: independent codes for groups of layers, and nothing else than before without."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import c2l
from c2l.errors import BadInput, IncompatibleParts
from c2l.generator import LatentSpace
from c2l.pairs import PairsManifest, ShardRecord, build_pairs, load_pairs, read_manifest
from c2l.pairs.groups import CODE_STRIDE, FAR
from c2l.pairs.shard_list import ShardList
from c2l.prior_file import PartCard
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.testing.toy_world import WIDTH, attributes_of

GROUPS = (1, 3, 1)


def build(out: Path, num: int = 30, groups: tuple[int, ...] | None = GROUPS) -> c2l.Pairs:
    return build_pairs(
        ToyGenerator(), ToyEmbedder(), num, out, groups=groups, shard_size=20, batch_size=8
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_each_group_has_a_code_of_its_own(tmp_path: Path) -> None:
    pairs = build(tmp_path / "groups")
    plain = build(tmp_path / "plain", groups=None)
    assert pairs.latents.shape == (30, 3, WIDTH)
    assert (pairs.manifest.num_codes, pairs.manifest.repeats) == (3, GROUPS)
    assert torch.equal(pairs.latents[:, :1], plain.latents)
    for code in (1, 2):
        drawn = ToyGenerator().sample_latents(range(code * CODE_STRIDE, code * CODE_STRIDE + 30))
        assert torch.equal(pairs.latents[:, code], drawn[:, 0])


def test_no_code_is_drawn_twice(tmp_path: Path) -> None:
    rows = build(tmp_path).latents.flatten(0, 1)
    assert len(rows.unique(dim=0)) == 90


def test_embeddings_are_of_the_mixed_pictures(tmp_path: Path) -> None:
    pairs = build(tmp_path)
    generator, embedder = ToyGenerator(), ToyEmbedder()
    # The toy's layers draw one attribute each: the first by code 0, the next three by code 1.
    shown = [attributes_of(pairs.latents[:, k : k + 1]) for k in range(2)]
    mixed = pairs.latents[:, 1:2].clone()
    mixed[..., :4], mixed[..., -4:] = pairs.latents[:, :1, :4], pairs.latents[:, 2:, -4:]
    assert torch.equal(attributes_of(mixed)["shape"], shown[0]["shape"])
    assert torch.equal(attributes_of(mixed)["mood"], shown[1]["mood"])
    wanted = embedder.embed_images(generator.synthesize(mixed))
    torch.testing.assert_close(pairs.embeddings, wanted, rtol=1e-3, atol=1e-3)


def test_a_folder_grows_and_is_mended(tmp_path: Path) -> None:
    build(tmp_path / "whole", 50)
    build(tmp_path / "grown", 30)
    (tmp_path / "grown" / "pairs-00000.safetensors").unlink()
    build(tmp_path / "grown", 50)
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


def test_a_group_for_each_layer(tmp_path: Path) -> None:
    assert build(tmp_path, groups=(1,) * 5).latents.shape == (30, 5, WIDTH)


def test_one_group_of_all_layers_is_none(tmp_path: Path) -> None:
    build(tmp_path / "one", groups=(5,))
    build(tmp_path / "none", groups=None)
    assert contents(tmp_path / "one") == contents(tmp_path / "none")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (GROUPS, (1, 1, 3), "its layer groups are 1,3,1, not 1,1,3"),
        (GROUPS, None, "its layer groups are 1,3,1, not 5"),
        (None, GROUPS, "its layer groups are 5, not 1,3,1"),
    ],
)
def test_a_folder_of_other_groups(
    tmp_path: Path,
    before: tuple[int, ...] | None,
    after: tuple[int, ...] | None,
    says: str,
) -> None:
    build(tmp_path, groups=before)
    there = contents(tmp_path)
    with pytest.raises(IncompatibleParts, match=says):
        build(tmp_path, groups=after)
    assert contents(tmp_path) == there


@pytest.mark.parametrize("groups", [(), (2, 2), (3, 3), (0, 5), (-1, 6)])
def test_groups_that_do_not_fit(tmp_path: Path, groups: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="does not add up to the 5 layers of toy:generator") as error:
        build(tmp_path / "p", groups=groups)
    assert "sum is 5" in error.value.hint
    assert not (tmp_path / "p").exists()


def build_from(folder: Path, first_seed: int) -> Tensor:
    parts = ToyGenerator(), ToyEmbedder()
    build_pairs(*parts, 30, folder, groups=GROUPS, first_seed=first_seed, batch_size=8)
    return load_pairs(folder).latents


def test_beyond_the_stride_no_two_codes_meet(tmp_path: Path) -> None:
    """Where it ends, code 1 of a pair would else be code 0 of another."""
    across = build_from(tmp_path / "across", CODE_STRIDE - 10)
    beyond = build_from(tmp_path / "beyond", CODE_STRIDE)
    assert torch.equal(across[10:], beyond[:20])  # a pair has its codes in any folder
    codes = torch.cat([build(tmp_path / "first").latents, across[:10], beyond]).flatten(0, 1)
    assert len(codes.unique(dim=0)) == 3 * 70
    generator = ToyGenerator()
    for code in range(3):
        start = CODE_STRIDE + (code + 1) * FAR
        assert torch.equal(
            beyond[:, code], generator.sample_latents(range(start, start + 30))[:, 0]
        )


def test_seeds_that_would_meet(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"seeds of pairs end at 2\*\*58"):
        build_from(tmp_path / "p", FAR - 29)
    assert not (tmp_path / "p").exists()
    assert len(build_from(tmp_path / "p", FAR - 30)) == 30


class TwoCodes(ToyGenerator):
    """Draws two codes at once."""

    @property
    def latent_space(self) -> LatentSpace:
        one = super().latent_space
        mean, std = one.mean.expand(2, -1), one.std.expand(2, -1)
        return LatentSpace(2, WIDTH, (2, 3), mean, std)

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents(seeds).expand(-1, 2, -1)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        return super().synthesize(latents, truncation=truncation, repeats=repeats or (2, 3))


def test_a_generator_of_several_codes(tmp_path: Path) -> None:
    parts = TwoCodes(), ToyEmbedder()
    with pytest.raises(BadInput, match="toy:generator draws 2 codes at once"):
        build_pairs(*parts, 20, tmp_path / "p", groups=GROUPS)
    assert not (tmp_path / "p").exists()
    # Its own groups may be named, as the run in a prior's file does.
    assert build_pairs(*parts, 20, tmp_path / "p", groups=(2, 3)).latents.shape == (20, 2, WIDTH)


def test_how_to_finish_a_folder(tmp_path: Path) -> None:
    manifest = build(tmp_path).manifest
    dataclasses.replace(manifest, shards=ShardList()).write(tmp_path)
    assert len(load_pairs(tmp_path)) == 30  # all are there, though nobody wrote that down
    (tmp_path / "pairs-00001.json").unlink()
    with pytest.raises(BadInput, match="20 of 30") as error:
        load_pairs(tmp_path)
    assert "num=30 groups=[1, 3, 1] out=" in error.value.hint


def test_manifests_without_groups_are_what_they_were(tmp_path: Path) -> None:
    """The fingerprint is in checkpoints and priors; a folder of an older c2l is resumed."""
    manifest = PairsManifest(
        generator=PartCard("g:x", "1" * 64, {"size": 8}, "p 1"),
        embedder=PartCard("e:x", "2" * 64),
        repeats=(12,),
        num_codes=1,
        latent_width=50,
        embedding_width=48,
        num=30,
        first_seed=0,
        shard_size=20,
        batch_size=8,
        versions={"c2l": "0.1", "torch": "2"},
        shards=ShardList([ShardRecord("pairs-00000.safetensors", 20, "3" * 64)]),
    )
    assert (
        manifest.fingerprint() == "c7913d93aa5361cbd4c80a728371c0c1c50536e0b068127e446487390ea34707"
    )
    manifest.write(tmp_path)
    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize(
    ("image_size", "wanted"), [((8, 8), 1024), ((1024, 1024), 256), ((512, 1024), 512)]
)
def test_large_pictures_make_small_shards(
    tmp_path: Path, image_size: tuple[int, int], wanted: int
) -> None:
    """So that Ctrl-C loses minutes."""

    class Large(ToyGenerator):
        @property
        def image_size(self) -> tuple[int, int]:
            return image_size

        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            return F.interpolate(super().synthesize(latents, **keywords), image_size)

    def made(num: int, shard_size: int | None = None) -> int:
        pairs = build_pairs(Large(), ToyEmbedder(), num, tmp_path, shard_size=shard_size)
        return pairs.manifest.shard_size

    assert made(3) == wanted
    with pytest.raises(IncompatibleParts, match=f"shards hold {wanted} pairs, not 7"):
        made(3, shard_size=7)


def test_a_folder_keeps_its_shards(tmp_path: Path) -> None:
    build(tmp_path)
    again = build_pairs(ToyGenerator(), ToyEmbedder(), 50, tmp_path, groups=GROUPS)
    assert again.manifest.shard_size == 20
