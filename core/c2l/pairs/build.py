"""Making pairs: a plan, its shards in any order, and a list of them at the end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch

from c2l.budgets import PAIRS
from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.guard import watch
from c2l.pairs import folder
from c2l.pairs.drawing import Parts, batches_of
from c2l.pairs.engines import Engine
from c2l.pairs.engines.local import LocalEngine
from c2l.pairs.groups import check_groups
from c2l.pairs.manifest import NAME, SEEDS, PairsManifest, read_manifest
from c2l.pairs.precision import EXACT, lower, lower_and_measure
from c2l.pairs.reader import Pairs
from c2l.pairs.redrawing import latent_error
from c2l.pairs.shares import ALL, Share
from c2l.places import Place, place_of
from c2l.prior_file import PartCard
from c2l.seeds import NUM_SEEDS
from c2l.trial import try_parts

MOST_IN_SHARD = 1024
"""So that a few thousand pairs already keep several workers busy."""
PIXELS_IN_SHARD = 2**28
"""Ctrl-C loses at most one shard of each worker: 256 pictures of 1024 px, some minutes on a CPU."""
MOST_IN_BATCH = 256

LATENT_DTYPES = ("float32", "float16", SEEDS)

OnProgress = Callable[[int, int], None]


class PairsInterrupted(KeyboardInterrupt):
    """Ctrl-C while pairs were made; finished shards are on disk.

    Args:
        folder: where.
        num_done, num: pairs on disk, and wanted.
    """

    def __init__(self, folder: Place, num_done: int, num: int) -> None:
        super().__init__(f"{num_done:,} of {num:,} pairs are in {folder}")
        self.folder = folder
        self.num_done = num_done
        self.num = num


def build_pairs(
    generator: Generator,
    embedder: Embedder,
    num: int,
    out: Place | str,
    *,
    groups: Sequence[int] | None = None,
    class_labels: Sequence[int | str] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
    latents: str | None = None,
    workers: int = 1,
    engine: Engine | None = None,
    on_progress: OnProgress | None = None,
) -> Pairs:
    """Draw latents, render them, embed the pictures, and store the pairs in ``out``.

    Pair i is a pure function of the parts and of seed ``first_seed + i``. An unfinished folder is
    resumed: finished shards stay as they are, and the result has the same bytes as one
    uninterrupted run on the same kind of processor.

    A larger ``num`` than before adds to the folder. A smaller one never removes a pair: a finished
    folder stays as it is, and an unfinished one is finished at ``num``, or at once if it already
    holds as many.

    Args:
        generator, embedder: the parts, already on their devices.
        num: how many pairs are wanted.
        out: the folder; created if it does not exist.
        groups: how many layers of the generator each code of a latent feeds, as in (4, 4, 10):
            each group gets a latent of its own, drawn independently. None gives the generator's
            own latents. See ``c2l.pairs.groups``.
        class_labels: names or numbers of classes to draw among, ``151-268`` for all from 151 to
            268; None draws among all, where the generator has any.
        first_seed: of the first pair; the last seed is at most 2**64 - 1.
        shard_size: pairs in a shard; by default the folder's, or what suits the picture size, at
            most 1024.
        batch_size: pictures drawn at once; by default the folder's, or what suits the picture
            size. The exact bytes depend on it.
        precision: ``float32``, or ``bf16`` or ``fp16`` for pictures and embeddings, which the parts
            then compute in from now on; by default the folder's, or float32. The manifest says
            what it changes of embeddings.
        latents: ``float32`` or ``float16``, to store them in, or ``seeds`` to store none: whoever
            reads the pairs draws them again. By default the folder's, or float32. The manifest says
            what it changes.
        workers: processes that draw, each with one thread on a CPU; the bytes do not depend on
            them. With more than one, a script needs ``if __name__ == "__main__"``.
        engine: who draws, in place of such workers.
        on_progress: called with the number of pairs on disk or drawn, and the number wanted.
    Raises:
        BadInput: a number is out of range, groups do not fit the generator, a part gives NaN, or
            workers are asked for parts that have no reference.
        PluginFailed: a part that does not come with c2l breaks a promise of its interface.
        IncompatibleParts: the folder holds pairs of another generator, embedder or layout.
        BadWeights: shards of the folder are damaged; all of them are named.
        NotWritable: the folder cannot be written.
        WorkerDied: a worker ended, usually for lack of memory.
        PairsInterrupted: Ctrl-C.
    """
    out, parts = place_of(out), (generator, embedder)
    _check_numbers(workers=workers)
    plan = begin_pairs(
        parts,
        num,
        out,
        groups=groups,
        class_labels=class_labels,
        first_seed=first_seed,
        shard_size=shard_size,
        batch_size=batch_size,
        precision=precision,
        latents=latents,
    )
    engine = engine or LocalEngine((str(generator.device),) * workers)
    draw_pairs(parts, plan, out, engine, on_progress=on_progress)
    return Pairs(out, folder.finish_pairs(out))


def begin_pairs(
    parts: Parts,
    num: int,
    out: Place,
    *,
    groups: Sequence[int] | None = None,
    class_labels: Sequence[int | str] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
    latents: str | None = None,
    measure: bool = True,
) -> PairsManifest:
    """Begin a folder, or look at one that was begun; the plan to follow.

    Args:
        measure: whether to measure what the precision of a new folder costs, on this device.
        Others: as in ``build_pairs``.
    Raises:
        As ``build_pairs``.
    """
    for part in parts:
        watch(part)
    _check_numbers(num=num, shard_size=shard_size, batch_size=batch_size)
    generator, _ = parts
    if not 0 <= first_seed <= NUM_SEEDS - num:
        raise BadInput(
            f"`first_seed={first_seed}` and {num:,} pairs from there do not lie in 0 to 2**64 - 1",
            hint=f"Use `first_seed` from 0 to {NUM_SEEDS - num}",
            field="first_seed",
        )
    mixed = check_groups(
        groups, generator.latent_space, generator.reference, range(first_seed, first_seed + num)
    )
    there = read_manifest(out) if (out / NAME).exists() else None  # once: it may be long
    wanted = _wanted(parts, num, there, mixed, first_seed, shard_size, batch_size)
    wanted = dataclasses.replace(wanted, **_classes(generator, class_labels))
    wanted = dataclasses.replace(
        wanted,
        precision=precision or (there.precision if there else EXACT),
        latent_dtype=latents or (there.latent_dtype if there else EXACT),
    )
    if wanted.latent_dtype not in LATENT_DTYPES:
        raise BadInput(
            f"latents are not stored in '{latents}'",
            hint="Use `latents=float32`, `float16` or `seeds`",
            field="latents",
        )
    if measure and there is None and wanted.latent_dtype != EXACT:
        wanted = dataclasses.replace(wanted, latent_error=latent_error(generator, wanted, out))
    if measure and there is None and wanted.precision != EXACT:
        batch = next(batches_of(wanted.shard_seeds(0), wanted.batch_size, mixed))
        batch = dataclasses.replace(batch, classes=wanted.draw_classes(batch.seeds))
        error = lower_and_measure(parts, wanted.precision, batch)
        wanted = dataclasses.replace(wanted, embedding_error=error)
    return folder.begin(wanted, there, parts, out)


def draw_pairs(
    parts: Parts,
    plan: PairsManifest,
    out: Place,
    engine: Engine,
    share: Share = ALL,
    *,
    on_progress: OnProgress | None = None,
) -> None:
    """Draw what is missing of a share.

    Args:
        on_progress: called with the number of pairs of the share on disk or drawn, and their
            number when all are.
    Raises:
        As ``build_pairs``.
    """
    share.check(plan.num_shards)
    ours = [i for i in range(plan.num_shards) if i in share]
    todo = [i for i in folder.missing_shards(plan, out) if i in share]
    report = on_progress or (lambda done, total: None)
    total = sum(map(plan.shard_length, ours))
    done = total - sum(map(plan.shard_length, todo))
    report(done, total)

    def on_drawn(drawn: int) -> None:
        nonlocal done
        done += drawn
        report(done, total)

    try:
        if todo:
            lower(parts, plan.precision)
            try_parts(*parts, plan.first_seed)
            for _ in engine.draw(parts, plan, out, todo, on_drawn):
                pass
    except KeyboardInterrupt:
        left = [i for i in folder.missing_shards(plan, out) if i in share]
        num_done = total - sum(map(plan.shard_length, left))
        raise PairsInterrupted(out, num_done, total) from None


def _check_numbers(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise BadInput(
                f"`{name}={value}` is below 1", hint=f"Use `{name}=1` or more", field=name
            )


def _wanted(
    parts: Parts,
    num: int,
    there: PairsManifest | None,
    groups: tuple[int, ...],
    first_seed: int,
    shard_size: int | None,
    batch_size: int | None,
) -> PairsManifest:
    """The plan that is asked for; sizes that are not given are the folder's own."""
    generator, embedder = parts
    space = generator.latent_space
    return PairsManifest(
        generator=PartCard.of(generator),
        embedder=PartCard.of(embedder),
        repeats=groups or tuple(space.repeats),
        num_codes=len(groups) or space.num_codes,
        latent_width=space.width,
        embedding_width=embedder.width,
        num=num,
        first_seed=first_seed,
        shard_size=shard_size or (there.shard_size if there else _shard_size(generator)),
        batch_size=batch_size
        or (there.batch_size if there else suited_batch_size(generator, generator.device.type)),
        versions=_versions(),
    )


def _classes(generator: Generator, labels: Sequence[int | str] | None) -> dict[str, Any]:
    """What a plan says about the classes of its pairs. Raises ``BadInput`` for unknown ones."""
    classes = generator.classes
    if classes is None:
        if labels:
            raise BadInput(
                f"{generator.reference or type(generator).__name__} has no classes",
                hint="Leave out `class_labels`",
                field="class_labels",
            )
        return {}
    try:
        among = classes.numbers(labels or ())
    except BadInput as error:
        raise BadInput(error.message, hint=error.hint, field="class_labels") from error
    return {
        "num_classes": classes.num,
        "class_shares": classes.shares,
        "class_labels": among if len(among) < classes.num else (),
    }


def _shard_size(generator: Generator) -> int:
    height, width = generator.image_size
    return max(1, min(MOST_IN_SHARD, PIXELS_IN_SHARD // (height * width)))


def suited_batch_size(generator: Generator, device_type: str) -> int:
    """How many pictures are drawn at once on a type of device."""
    return min(MOST_IN_BATCH, PAIRS.pictures(generator.image_size, device_type))


def _versions() -> dict[str, str]:
    from c2l.version import __version__

    return {"c2l": __version__, "torch": torch.__version__}
