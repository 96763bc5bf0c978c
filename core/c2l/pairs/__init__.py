"""Pairs of image embeddings and latents: made from a generator and an embedder, without data."""

from __future__ import annotations

from c2l.pairs.build import PairsInterrupted, build_pairs
from c2l.pairs.manifest import PairsManifest, read_manifest
from c2l.pairs.parts import part_mismatches, references_of
from c2l.pairs.reader import Pairs, load_pairs
from c2l.pairs.records import ShardRecord
from c2l.pairs.workers import WorkerDied

__all__ = [
    "Pairs",
    "PairsInterrupted",
    "PairsManifest",
    "ShardRecord",
    "WorkerDied",
    "build_pairs",
    "load_pairs",
    "part_mismatches",
    "read_manifest",
    "references_of",
]
