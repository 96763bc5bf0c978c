"""A finished folder of pairs, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from c2l.errors import BadInput
from c2l.pairs.manifest import PairsManifest, read_manifest
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
        BadWeights: the manifest or a shard is damaged.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        raise BadInput(
            f"{folder} holds {manifest.num_done:,} of {manifest.num:,} pairs",
            hint=f"Finish it: c2l pairs -g {manifest.generator.reference} "
            f"-e {manifest.embedder.reference} --num {manifest.num} --out {folder}",
        )
    embeddings = torch.empty(manifest.num, manifest.embedding_width)
    latents = torch.empty(manifest.num, manifest.num_codes, manifest.latent_width)
    start = 0
    for record in manifest.shards:
        tensors = read_shard(folder, record)
        embeddings[start : start + record.num] = tensors["embeddings"]
        latents[start : start + record.num] = tensors["latents"]
        start += record.num
    return Pairs(folder, manifest, embeddings, latents)
