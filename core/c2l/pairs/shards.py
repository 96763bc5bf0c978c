"""One shard of pairs: a safetensors file that is a pure function of its seeds."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from c2l.errors import BadWeights
from c2l.files import write_atomically
from c2l.pairs.manifest import SEEDS, PairsManifest
from c2l.pairs.records import ShardRecord
from c2l.places import Place
from c2l.places.tensors import read_metadata


def write_shard(
    path: Place,
    manifest: PairsManifest,
    seeds: range,
    latents: Tensor,
    embeddings: Tensor,
    made_on: str,
) -> ShardRecord:
    """Write a shard atomically, with the parts that made it in its header; say what was written."""
    tensors = {"seeds": _seed_tensor(seeds), "embeddings": embeddings.contiguous()}
    if manifest.latent_dtype != SEEDS:
        tensors["latents"] = latents.contiguous()
    metadata = {"c2l": json.dumps(_makers(manifest), sort_keys=True)}
    data = safetensors.torch.save(tensors, metadata=metadata)
    write_atomically(path, data)
    digest = hashlib.sha256(data).hexdigest()
    return ShardRecord(path.name, len(seeds), digest, len(data), made_on)


def read_shard(folder: Place, manifest: PairsManifest, record: ShardRecord) -> dict[str, Tensor]:
    """Read a shard and check it: ``seeds`` (N,), ``embeddings``, and ``latents`` if it stores them.

    Raises:
        BadWeights: it is missing, damaged, of other parts, or not what the manifest says.
    """
    path = folder / record.file
    hint = f"Remove it and repeat the 'c2l pairs' that filled {folder}: it is made again"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadWeights(
            f"the shard {path} cannot be read: {error.strerror or error}", hint=hint
        ) from error
    if hashlib.sha256(data).hexdigest() != record.sha256:
        foreign = _foreign(path, manifest)
        raise BadWeights(
            f"the shard {path} was made with {foreign}"
            if foreign
            else f"the shard {path} is damaged: its sha256 is not the recorded one",
            hint=hint,
        )
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise BadWeights(
            f"the shard {path} is not a safetensors file: {error}", hint=hint
        ) from error
    wanted: dict[str, tuple[int, ...]] = {
        "latents": (record.num, manifest.num_codes, manifest.latent_width),
        "embeddings": (record.num, manifest.embedding_width),
    }
    if manifest.latent_dtype == SEEDS:
        del wanted["latents"]
    if wrong := [n for n, shape in wanted.items() if n not in tensors or tensors[n].shape != shape]:
        raise BadWeights(
            f"the {' and '.join(wrong)} of the shard {path} do not have the shape in the manifest",
            hint=hint,
        )
    return tensors


def _seed_tensor(seeds: range) -> Tensor:
    """Seeds as int64; as uint64 where they do not fit."""
    if seeds.stop <= 2**63:
        return torch.arange(seeds.start, seeds.stop, dtype=torch.int64)
    return torch.from_numpy(np.array(seeds, dtype=np.uint64))


def _makers(manifest: PairsManifest) -> dict[str, list[str]]:
    """Reference and fingerprint of the parts."""
    parts = {"generator": manifest.generator, "embedder": manifest.embedder}
    return {role: [card.reference, card.fingerprint] for role, card in parts.items()}


def _foreign(path: Place, manifest: PairsManifest) -> str:
    """How the parts of a shard differ from the manifest's; empty if they do not."""
    try:
        theirs = json.loads(read_metadata(path)["c2l"])
        return " and ".join(
            f"the {role} {theirs[role][0]}, not {reference}"
            for role, (reference, fingerprint) in _makers(manifest).items()
            if theirs[role][1] != fingerprint
        )
    except (SafetensorError, OSError, KeyError, IndexError, ValueError, TypeError):
        return ""
