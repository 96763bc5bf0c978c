"""A finished folder of pairs, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c2l.errors import BadInput, BadWeights
from c2l.pairs.groups import format_groups
from c2l.pairs.manifest import PairsManifest, ShardRecord, read_manifest
from c2l.pairs.shards import read_shard


@dataclass(frozen=True)
class Pairs:
    """Embeddings of pictures and the latents that drew them; row i belongs to row i.

    Args:
        folder: where they lie.
        manifest: what made them.
        embeddings: float32, shape (N, E), as the embedder gives them, to half precision.
        latents: float32, shape (N, K, D).
    """

    folder: Path
    manifest: PairsManifest
    embeddings: Tensor
    latents: Tensor

    def __len__(self) -> int:
        return len(self.latents)


def load_pairs(folder: Path | str) -> Pairs:
    """Read a folder that ``build_pairs`` finished; every shard is checked against its sha256.

    Raises:
        BadInput: there are no pairs, or not all of them yet.
        BadWeights: the manifest is damaged, or shards are, which are all named.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        groups = f" --groups {format_groups(manifest.repeats)}" if manifest.num_codes > 1 else ""
        seed = f" --first-seed {manifest.first_seed}" if manifest.first_seed else ""
        raise BadInput(
            f"{folder} holds {manifest.num_done:,} of {manifest.num:,} pairs",
            hint=f"Finish it: c2l pairs -g {manifest.generator.reference} "
            f"-e {manifest.embedder.reference} --num {manifest.num}{groups}{seed} --out {folder}",
        )
    embeddings = torch.empty(manifest.num, manifest.embedding_width)
    latents = torch.empty(manifest.num, manifest.num_codes, manifest.latent_width)
    start = 0
    for record, tensors in read_shards(folder, manifest.shards, manifest):
        embeddings[start : start + record.num] = tensors["embeddings"]
        latents[start : start + record.num] = tensors["latents"]
        start += record.num
    return Pairs(folder, manifest, embeddings, latents)


def read_shards(
    folder: Path, records: Sequence[ShardRecord], manifest: PairsManifest
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
            hint=f"Remove them and give the same 'c2l pairs … --out {folder}' again",
        )
