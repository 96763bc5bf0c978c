"""One shard of pairs: a safetensors file that is a pure function of its seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput, BadWeights
from c2l.files import write_atomically
from c2l.generator import Generator
from c2l.pairs.manifest import ShardRecord


def shard_name(index: int) -> str:
    return f"pairs-{index:05d}.safetensors"


def draw_batches(
    generator: Generator, embedder: Embedder, seeds: range, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Latents and embeddings of ``seeds``, on the CPU, ``batch_size`` rows at a time.

    The last batch is drawn in full and cut, so that a pair is the same bits in a shard of any
    length.

    Yields:
        latents, float32, (B, K, D), and embeddings, float16, (B, E). Half precision turns an
        embedding by less than a thousandth of what training's own noise does.
    Raises:
        BadInput: a latent or an embedding is not finite.
    """
    for start in range(seeds.start, seeds.stop, batch_size):
        num = min(batch_size, seeds.stop - start)
        with torch.no_grad():
            latents = generator.sample_latents(range(start, start + batch_size))
            images = generator.synthesize(latents)
            embeddings = embedder.embed_images(images)
        latents = latents[:num].float().cpu()
        embeddings = embeddings[:num].half().cpu()
        for rows, role, part in (
            (latents, "generator", generator.reference),
            (embeddings, "embedder", embedder.reference),
        ):
            finite = torch.isfinite(rows.flatten(1)).all(dim=1)
            if not finite.all():
                seed = start + int(finite.int().argmin())
                raise BadInput(
                    f"the {role} {part} gives NaN or infinity for seed {seed}",
                    hint="Try --device cpu, or check the weights",
                )
        yield latents, embeddings


def write_shard(path: Path, seeds: range, latents: Tensor, embeddings: Tensor) -> ShardRecord:
    """Write a shard atomically, and say what was written."""
    data = safetensors.torch.save(
        {
            "seeds": torch.arange(seeds.start, seeds.stop, dtype=torch.int64),
            "latents": latents.contiguous(),
            "embeddings": embeddings.contiguous(),
        }
    )
    write_atomically(path, data)
    return ShardRecord(path.name, len(seeds), hashlib.sha256(data).hexdigest())


def read_shard(folder: Path, record: ShardRecord) -> dict[str, Tensor]:
    """Read a shard and check it: ``seeds`` int64 (N,), ``latents`` and ``embeddings``.

    Raises:
        BadWeights: it is missing, damaged, or not what the manifest says.
    """
    path = folder / record.file
    hint = f"Remove it and give the same 'c2l pairs … --out {folder}' again: it is made anew"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadWeights(
            f"the shard {path} cannot be read: {error.strerror or error}", hint=hint
        ) from error
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise BadWeights(f"the shard {path} is damaged: its sha256 is not the recorded", hint=hint)
    try:
        return safetensors.torch.load(data)
    except SafetensorError as error:
        raise BadWeights(f"the shard {path} is no safetensors file: {error}", hint=hint) from error
