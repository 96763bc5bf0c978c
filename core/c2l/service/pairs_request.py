"""What can be asked of ``c2l pairs``: which pairs, who draws them, and which part of them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from c2l.errors import BadInput
from c2l.pairs import ALL, Share, parse_ranges, read_manifest, references_of
from c2l.places import Place, place_of
from c2l.service.typed_values import parse_groups

DEFAULT_NUM = 100_000
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class PairsRequest:
    """Pairs to make. None leaves a value to the folder, or else to what suits.

    Args:
        out: the folder.
        generator, embedder: references; without both, those of a folder that was begun.
        num: pairs in total; 100,000 for a new folder.
        groups, class_labels, first_seed, shard_size, batch_size, precision, latents: as in
            ``build_pairs``; groups may be a text such as ``4,4,10``.
        engine: ``local`` or ``ray``.
        workers: processes that draw on this machine.
        device: where.
        devices: or several devices of this machine, one process on each.
        shards: draw these alone, as in ``0-99,120``.
        rank, world: or every ``world``-th shard, from ``rank`` on.
    """

    out: Place | str
    generator: str | None = None
    embedder: str | None = None
    num: int | None = None
    groups: str | Sequence[int] | None = None
    class_labels: Sequence[int | str] | None = None
    first_seed: int | None = None
    shard_size: int | None = None
    batch_size: int | None = None
    precision: str | None = None
    latents: str | None = None
    engine: str = "local"
    workers: int | None = None
    device: str = "auto"
    devices: str | None = None
    shards: str | None = None
    rank: int | None = None
    world: int | None = None


@dataclass(frozen=True)
class WantedPairs:
    """Which pairs a request means, once the folder was looked at.

    Args:
        As in ``PairsRequest``.
        num_before: pairs that the folder was begun for; 0 for a new one.
    """

    generator: str
    embedder: str
    num: int
    groups: Sequence[int] | None
    class_labels: Sequence[int | str] | None
    first_seed: int
    num_before: int


def wanted_pairs(asked: PairsRequest) -> WantedPairs:
    """Fill in what a request leaves to the folder.

    Raises:
        BadInput: a part is missing, or ``groups`` is no list.
        BadWeights: the folder's manifest is damaged.
    """
    out = place_of(asked.out)
    there = read_manifest(out) if (out / "manifest.json").exists() else None
    groups, num_before = parse_groups(asked.groups), there.num if there else 0
    num = asked.num if asked.num is not None else num_before or DEFAULT_NUM
    if asked.generator is not None and asked.embedder is not None:
        first_seed = asked.first_seed or 0
        labels = asked.class_labels
        return WantedPairs(
            asked.generator, asked.embedder, num, groups, labels, first_seed, num_before
        )
    if there is None or asked.generator is not None or asked.embedder is not None:
        raise BadInput(
            "making pairs takes a generator and an embedder",
            hint="Give both `generator` and `embedder`",
            field="embedder" if asked.embedder is None else "generator",
        )
    return WantedPairs(
        *references_of(out, there),
        num,
        there.repeats if groups is None else groups,
        asked.class_labels or there.class_labels or None,
        there.first_seed if asked.first_seed is None else asked.first_seed,
        num_before,
    )


def share_of(asked: PairsRequest) -> Share:
    """The shards that a request means. Raises ``BadInput``."""
    if (asked.rank is None) != (asked.world is None):
        raise BadInput(
            "`rank` and `world` only work together",
            hint="Give both `rank` and `world`",
            field="world" if asked.world is None else "rank",
        )
    if asked.shards is not None and asked.world is not None:
        raise BadInput(
            "`shards` and `rank` both say which shards to draw",
            hint="Leave out one of them",
            field="shards",
        )
    if asked.shards is not None:
        return Share(ranges=parse_ranges(asked.shards))
    if asked.rank is None or asked.world is None:
        return ALL
    return Share(asked.rank, asked.world)


def num_wanted(folder: Place) -> int:
    """The number of pairs a folder was begun for; the default for a new one."""
    begun = (folder / "manifest.json").exists()
    return read_manifest(folder).num if begun else DEFAULT_NUM
