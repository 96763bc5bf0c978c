"""Pairs of image embeddings and latents: made from a generator and an embedder, without data."""

from __future__ import annotations

from c2l.pairs.build import PairsInterrupted, build_pairs
from c2l.pairs.manifest import PairsManifest, ShardRecord, read_manifest
from c2l.pairs.reader import Pairs, load_pairs

__all__ = [
    "Pairs",
    "PairsInterrupted",
    "PairsManifest",
    "ShardRecord",
    "build_pairs",
    "load_pairs",
    "read_manifest",
]
