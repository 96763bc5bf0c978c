"""A finished folder of pairs, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c2l.errors import BadInput, BadWeights, spell_fields
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
    """Read a finished folder of ``build_pairs``; every shard is checked against its sha256.

    Raises:
        BadInput: there are no pairs, or the folder is unfinished.
        BadWeights: the manifest or shards are damaged; all of them are named.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        done = manifest.num_done
        settle = f". To keep only those, the same with `num={done}`" if done else ""
        raise BadInput(
            f"{folder} holds {done:,} of {manifest.num:,} pairs",
            hint=f"Finish it: {_command(manifest, folder)}{settle}",
            field="pairs",
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
            hint=f"Remove them and repeat the 'c2l pairs' that filled {folder}",
        )


def _command(manifest: PairsManifest, folder: Path) -> str:
    """The command that finishes a folder."""
    fields: dict[str, object] = {
        "generator": manifest.generator.reference,
        "embedder": manifest.embedder.reference,
        "num": manifest.num,
    }
    if manifest.num_codes > 1:
        fields["groups"] = list(manifest.repeats)
    if manifest.first_seed:
        fields["first_seed"] = manifest.first_seed
    fields["out"] = str(folder)
    return f"`c2l pairs {spell_fields(fields)}`"
