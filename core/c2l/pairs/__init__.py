"""Pairs of image embeddings and latents: made from a generator and an embedder, without data."""

from __future__ import annotations

from c2l.pairs.beats import forget_workers
from c2l.pairs.build import (
    PairsInterrupted,
    begin_pairs,
    build_pairs,
    draw_pairs,
    suited_batch_size,
)
from c2l.pairs.engines import Engine
from c2l.pairs.engines.local import LocalEngine, WorkerDied
from c2l.pairs.folder import finish_pairs, missing_shards
from c2l.pairs.job import naming
from c2l.pairs.manifest import PairsManifest, read_manifest
from c2l.pairs.moving import moved_by_groups
from c2l.pairs.parts import part_mismatches, references_of
from c2l.pairs.reader import Pairs, load_pairs
from c2l.pairs.records import ShardRecord
from c2l.pairs.shares import ALL, Share, parse_ranges
from c2l.pairs.status import FolderStatus, pairs_status
from c2l.pairs.verify import Verified, verify_pairs

__all__ = [
    "ALL",
    "Engine",
    "FolderStatus",
    "LocalEngine",
    "Pairs",
    "PairsInterrupted",
    "PairsManifest",
    "Share",
    "ShardRecord",
    "Verified",
    "WorkerDied",
    "begin_pairs",
    "build_pairs",
    "draw_pairs",
    "finish_pairs",
    "forget_workers",
    "load_pairs",
    "missing_shards",
    "moved_by_groups",
    "naming",
    "pairs_status",
    "parse_ranges",
    "part_mismatches",
    "read_manifest",
    "references_of",
    "suited_batch_size",
    "verify_pairs",
]
