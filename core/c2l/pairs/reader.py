"""A finished folder of pairs, read into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from c2l.errors import BadWeights
from c2l.pairs.folder import assembled
from c2l.pairs.manifest import PairsManifest, read_manifest
from c2l.pairs.records import ShardRecord
from c2l.pairs.shards import read_shard
from c2l.places import Place, place_of


@dataclass(frozen=True)
class Pairs:
    """Embeddings of pictures and the latents that drew them; row i belongs to row i.

    They are read when they are first asked for.

    Args:
        folder: where they lie.
        manifest: what made them.
    """

    folder: Place
    manifest: PairsManifest

    def __len__(self) -> int:
        return self.manifest.num

    @property
    def embeddings(self) -> Tensor:
        """float32, shape (N, E), as the embedder gives them, to half precision."""
        return self._tensors[0]

    @property
    def latents(self) -> Tensor:
        """float32, shape (N, K, D)."""
        return self._tensors[1]

    @cached_property
    def classes(self) -> Tensor | None:
        """int64, shape (N,): the class of each latent; None where the generator has none."""
        first = self.manifest.first_seed
        drawn = self.manifest.draw_classes(range(first, first + len(self)))
        return torch.tensor(drawn) if drawn else None

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        manifest = self.manifest
        embeddings = torch.empty(manifest.num, manifest.embedding_width)
        latents = torch.empty(manifest.num, manifest.num_codes, manifest.latent_width)
        start = 0
        for record, tensors in read_shards(self.folder, manifest.shards, manifest):
            embeddings[start : start + record.num] = tensors["embeddings"]
            latents[start : start + record.num] = tensors["latents"]
            start += record.num
        return embeddings, latents


def load_pairs(folder: Place | str) -> Pairs:
    """Read a finished folder of ``build_pairs``; every shard is checked against its sha256.

    Raises:
        BadInput: there are no pairs, or the folder is unfinished.
        BadWeights: the manifest or shards are damaged; all of them are named.
    """
    folder = place_of(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        manifest = assembled(manifest, folder)
    pairs = Pairs(folder, manifest)
    len(pairs.latents)  # reads them, so that damage is reported here
    return pairs


def read_shards(
    folder: Place, records: Sequence[ShardRecord], manifest: PairsManifest
) -> Iterator[tuple[ShardRecord, dict[str, Tensor]]]:
    """Shards one after the other.

    Raises:
        BadWeights: after the last one, naming every shard that is damaged.
    """
    damaged = []
    for record in records:
        try:
            yield record, read_shard(folder, manifest, record)
        except BadWeights as error:
            damaged.append(error)
    if len(damaged) == 1:
        raise damaged[0]
    if damaged:
        raise BadWeights(
            f"{len(damaged)} shards are damaged: {'; '.join(error.message for error in damaged)}",
            hint=f"Remove them and repeat the 'c2l pairs' that filled {folder}",
        )
