"""Pairs that somebody has tampered with, so that every check of their bytes passes."""

from __future__ import annotations

import dataclasses

import c2l
from c2l.pairs.shard_list import ShardList
from c2l.pairs.shards import write_shard


def forge(pairs: c2l.Pairs) -> c2l.Pairs:
    """The same folder with latents in another order, its records made to suit."""
    manifest, records = pairs.manifest, ShardList()
    for index, record in enumerate(manifest.shards):
        embeddings, latents = pairs.shard(index)
        path, seeds = pairs.folder / record.file, manifest.shard_seeds(index)
        moved = latents.roll(1, dims=0)
        records.append(write_shard(path, manifest, seeds, moved, embeddings, record.made_on))
    dataclasses.replace(manifest, shards=records).write(pairs.folder)
    return c2l.load_pairs(pairs.folder)
