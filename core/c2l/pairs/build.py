"""Making pairs, shard by shard: each is on disk before the manifest names it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from c2l.budgets import PAIRS
from c2l.embedder import Embedder
from c2l.errors import BadInput, IncompatibleParts
from c2l.files import remove_partials
from c2l.generator import Generator
from c2l.guard import watch
from c2l.pairs.drawing import DrawingPool, jobs_of
from c2l.pairs.groups import check_groups, format_groups
from c2l.pairs.manifest import NAME, PairsManifest, read_manifest
from c2l.pairs.parts import part_mismatches
from c2l.pairs.reader import Pairs, load_pairs, read_shards
from c2l.pairs.shards import shard_name, write_shard
from c2l.prior_file import PartCard
from c2l.seeds import NUM_SEEDS
from c2l.trial import try_parts

MOST_IN_SHARD = 4096
PIXELS_IN_SHARD = 2**28
"""Ctrl-C loses at most one shard: by default 256 pictures of 1024 px, some minutes on a CPU."""
MOST_IN_BATCH = 256


class PairsInterrupted(KeyboardInterrupt):
    """Ctrl-C while pairs were made; finished shards are on disk.

    Args:
        folder: where.
        num_done, num: pairs on disk, and wanted.
    """

    def __init__(self, folder: Path, num_done: int, num: int) -> None:
        super().__init__(f"{num_done:,} of {num:,} pairs are in {folder}")
        self.folder = folder
        self.num_done = num_done
        self.num = num


def build_pairs(
    generator: Generator,
    embedder: Embedder,
    num: int,
    out: Path | str,
    *,
    groups: Sequence[int] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pairs:
    """Draw latents, render them, embed the pictures, and store the pairs in ``out``.

    Pair i is a pure function of the parts and of seed ``first_seed + i``. An unfinished folder is
    resumed: finished shards stay as they are, and the result has the same bytes as one
    uninterrupted run on the same machine.

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
        first_seed: of the first pair; the last seed is at most 2**64 - 1.
        shard_size: pairs in a shard; by default the folder's, or what suits the picture size, at
            most 4096.
        batch_size: pictures drawn at once; by default the folder's, or what suits the picture
            size. The exact bytes depend on it.
        workers: processes that draw, each with one thread on a CPU; the bytes do not depend on
            them. With more than one, a script needs ``if __name__ == "__main__"``.
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
    out = Path(out)
    watch(generator)
    watch(embedder)
    _check_numbers(num=num, shard_size=shard_size, batch_size=batch_size, workers=workers)
    if not 0 <= first_seed <= NUM_SEEDS - num:
        raise BadInput(
            f"`first_seed={first_seed}` and {num:,} pairs from there do not lie in 0 to 2**64 - 1",
            hint=f"Use `first_seed` from 0 to {NUM_SEEDS - num}",
            field="first_seed",
        )
    mixed = check_groups(
        groups, generator.latent_space, generator.reference, range(first_seed, first_seed + num)
    )
    manifest = _begin(generator, embedder, num, out, mixed, first_seed, shard_size, batch_size)
    report = on_progress or (lambda done, total: None)
    missing = [i for i in range(manifest.num_shards) if not (out / shard_name(i)).exists()]
    todo = sorted({*missing, *range(len(manifest.shards), manifest.num_shards)})
    done = num_done = manifest.num - sum(manifest.shard_length(i) for i in todo)
    report(done, manifest.num)
    jobs = {i: jobs_of(manifest.shard_seeds(i), manifest.batch_size, mixed) for i in todo}
    workers = min(workers, sum(map(len, jobs.values())))
    try:
        if jobs:
            try_parts(generator, embedder, first_seed)
        with DrawingPool(generator, embedder, workers) as pool:
            batches = pool.draw(job for i in todo for job in jobs[i])
            for index in todo:
                rows: list[tuple[Tensor, Tensor]] = []
                for batch in itertools.islice(batches, len(jobs[index])):
                    rows.append(batch)
                    done += len(batch[0])
                    report(done, manifest.num)
                latents, embeddings = map(torch.cat, zip(*rows, strict=True))
                path, seeds = out / shard_name(index), manifest.shard_seeds(index)
                shard = write_shard(path, manifest, seeds, latents, embeddings)
                manifest = manifest.with_shard(index, shard)
                manifest.write(out)
                num_done = done
    except KeyboardInterrupt:
        raise PairsInterrupted(out, num_done, manifest.num) from None
    return load_pairs(out)


def _check_numbers(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise BadInput(
                f"`{name}={value}` is below 1", hint=f"Use `{name}=1` or more", field=name
            )


def _begin(
    generator: Generator,
    embedder: Embedder,
    num: int,
    out: Path,
    groups: tuple[int, ...],
    first_seed: int,
    shard_size: int | None,
    batch_size: int | None,
) -> PairsManifest:
    """The manifest to start from: a new one, or the folder's own, checked."""
    space = generator.latent_space
    wanted = PairsManifest(
        generator=PartCard.of(generator),
        embedder=PartCard.of(embedder),
        repeats=groups or tuple(space.repeats),
        num_codes=len(groups) or space.num_codes,
        latent_width=space.width,
        embedding_width=embedder.width,
        num=num,
        first_seed=first_seed,
        shard_size=shard_size or _shard_size(generator),
        batch_size=batch_size or _batch_size(generator),
        versions=_versions(),
    )
    remove_partials(out)
    if not (out / NAME).exists():
        if out.is_dir() and any(out.glob("pairs-*.safetensors")):
            raise BadInput(
                f"{out} holds shards without a manifest",
                hint="Choose another folder with `out`",
                field="out",
            )
        wanted.write(out)
        return wanted

    there = read_manifest(out)
    _check_same(there, wanted, generator, embedder, out, shard_size, batch_size)
    _check_whole(there, out)
    if num > there.num:
        # A last shard that is shorter than the others grows: it is drawn again, in full.
        whole = tuple(s for s in there.shards if s.num == there.shard_size)
        there = dataclasses.replace(there, num=num, shards=whole)
        there.write(out)
    elif num < there.num and not there.complete:
        there = dataclasses.replace(there, num=max(num, there.num_done))
        there.write(out)
    return there


def _check_whole(manifest: PairsManifest, out: Path) -> None:
    """Raises ``BadWeights`` if shards are damaged; missing ones are drawn again."""
    for _ in read_shards(out, [s for s in manifest.shards if (out / s.file).exists()], manifest):
        pass


def _check_same(
    there: PairsManifest,
    wanted: PairsManifest,
    generator: Generator,
    embedder: Embedder,
    out: Path,
    shard_size: int | None,
    batch_size: int | None,
) -> None:
    """Raises ``IncompatibleParts``, naming every way in which the folder differs."""
    wrong = part_mismatches(there, generator, embedder)
    same_layers = there.generator.fingerprint == wanted.generator.fingerprint
    if same_layers and there.repeats != wanted.repeats:
        wrong.append(
            f"its layer groups are {format_groups(there.repeats)}, "
            f"not {format_groups(wanted.repeats)}"
        )
    if there.first_seed != wanted.first_seed:
        wrong.append(f"its first seed is {there.first_seed}, not {wanted.first_seed}")
    if shard_size is not None and there.shard_size != shard_size:
        wrong.append(f"its shards hold {there.shard_size} pairs, not {shard_size}")
    if batch_size is not None and there.batch_size != batch_size:
        wrong.append(f"its batches hold {there.batch_size} pictures, not {batch_size}")
    if wrong:
        raise IncompatibleParts(
            f"{out} holds other pairs: {'; '.join(wrong)}",
            hint="Choose another folder with `out`",
            field="out",
        )


def _shard_size(generator: Generator) -> int:
    height, width = generator.image_size
    return max(1, min(MOST_IN_SHARD, PIXELS_IN_SHARD // (height * width)))


def _batch_size(generator: Generator) -> int:
    return min(MOST_IN_BATCH, PAIRS.pictures(generator.image_size, generator.device.type))


def _versions() -> dict[str, str]:
    from c2l.version import __version__

    return {"c2l": __version__, "torch": torch.__version__}
