"""A folder of pairs from its beginning to its end, whoever fills it.

``begin`` writes the plan, or checks that the folder has the same one; anybody draws what
``missing_shards`` names; ``finish_pairs`` writes down what is there. All three look at the folder
once and open no shard.
"""

from __future__ import annotations

import dataclasses

from c2l.embedder import Embedder
from c2l.errors import BadInput, BadWeights, IncompatibleParts, spell_fields
from c2l.files import remove_partials
from c2l.generator import Generator
from c2l.pairs.beats import forget_workers
from c2l.pairs.groups import format_groups
from c2l.pairs.manifest import PairsManifest, read_manifest
from c2l.pairs.parts import part_mismatches
from c2l.pairs.records import (
    Listing,
    finished_shards,
    list_shards,
    read_records,
    record_name,
    remove_record,
    shard_name,
    write_record,
)
from c2l.pairs.shard_list import ShardList
from c2l.places import Place, place_of
from c2l_registry.kinds import WRAPPED


def begin(
    wanted: PairsManifest,
    there: PairsManifest | None,
    parts: tuple[Generator, Embedder],
    out: Place,
) -> PairsManifest:
    """The plan to follow: a new one, or the folder's own if it is the same.

    Args:
        wanted: what is asked for. More pairs than the folder was begun for are added; fewer never
            remove one.
        there: the folder's plan, as it was just read; None where there was none.
    Raises:
        IncompatibleParts: the folder holds other pairs.
        BadInput: it holds shards without a plan.
        BadWeights: its plan is damaged.
        NotWritable
    """
    if there is None:
        if out.is_dir() and any(out.glob("pairs-*.safetensors")):
            raise BadInput(
                f"{out} holds shards without a manifest",
                hint="Choose another folder with `out`",
                field="out",
            )
        if wanted.create(out):
            return wanted
        there = read_manifest(out)  # somebody else has begun it meanwhile
    _refuse_others(there, wanted, parts, out)
    _write_records_of_version_1(there, out)
    if wanted.num == there.num or (wanted.num < there.num and there.complete):
        return there
    num = wanted.num
    if num > there.num:
        short = there.num_shards - 1
        if there.shard_length(short) < there.shard_size:
            remove_record(out, short)  # it grows: it is drawn again, in full
    else:
        last = max(finished_shards(out), default=-1)
        num = max(num, min(there.num, (last + 1) * there.shard_size))
    plan = dataclasses.replace(there, num=num, shards=ShardList())
    plan.write(out)
    return plan


def missing_shards(plan: PairsManifest, out: Place) -> list[int]:
    """Places of shards that have to be drawn.

    Raises:
        BadWeights: shards have another size than their records say; all of them are named.
    """
    listing = list_shards(out)
    _refuse_other_sizes(plan, listing, out)
    return [i for i in range(plan.num_shards) if i not in listing.finished]


def num_done(plan: PairsManifest, out: Place) -> int:
    """How many pairs are on disk."""
    finished = finished_shards(out)
    return sum(plan.shard_length(i) for i in finished if i < plan.num_shards)


def finish_pairs(out: Place | str) -> PairsManifest:
    """Write down what a folder holds, once all of it is there.

    Raises:
        BadInput: there are no pairs, or some are still missing.
        BadWeights: the plan or a record is damaged.
        NotWritable
    """
    out = place_of(out)
    plan = read_manifest(out)
    whole = assembled(plan, out)
    forget_workers(out)
    if whole != plan:
        remove_partials(out)
        whole.write(out)  # last: a folder with its list has nothing left to be removed
    return whole


def assembled(plan: PairsManifest, out: Place) -> PairsManifest:
    """The plan with the records of all its shards.

    Raises:
        BadInput: some are still missing.
        BadWeights: a record is damaged.
    """
    finished = finished_shards(out)
    if not finished.issuperset(range(plan.num_shards)):
        raise unfinished(plan, out)
    if plan.complete:
        return plan
    try:
        records = ShardList(read_records(out, range(plan.num_shards)))
        whole = dataclasses.replace(plan, shards=records)
        if not whole.complete:
            raise ValueError(f"there are {records.num_pairs:,} pairs, not {plan.num:,}")
    except (ValueError, TypeError) as error:
        raise BadWeights(
            f"the records in {out} are of other shards than its manifest plans: {error}",
            hint=f"Remove {out} and make the pairs again",
        ) from error
    return whole


def unfinished(plan: PairsManifest, out: Place) -> BadInput:
    """The error of a folder that is not finished, with the command that finishes it."""
    done = num_done(plan, out)
    settle = f". To keep only those, the same with `num={done}`" if done else ""
    return BadInput(
        f"{out} holds {done:,} of {plan.num:,} pairs",
        hint=f"Finish it: {_command(plan, out)}{settle}",
        field="pairs",
    )


def _write_records_of_version_1(there: PairsManifest, out: Place) -> None:
    """Its manifest was their only list."""
    for index, record in enumerate(there.shards):
        if not record.size and not (out / record_name(index)).exists():
            path = out / shard_name(index)
            if path.exists():
                size = path.stat().st_size
                write_record(out, index, dataclasses.replace(record, size=size))


def _refuse_other_sizes(plan: PairsManifest, listing: Listing, out: Place) -> None:
    """Raises ``BadWeights`` where a file and its record differ.

    All whole shards have one size, so that only the records of those that differ are read.
    """
    finished = sorted(i for i in listing.finished if i < plan.num_shards)
    if not finished:
        return
    first = next(read_records(out, finished[:1]))
    odd = [i for i in finished if listing.sizes[i] != first.size]
    damaged = [
        f"{out / shard_name(i)} is damaged: {listing.sizes[i]:,} bytes, not {record.size:,}"
        for i, record in zip(odd, read_records(out, odd), strict=True)
        if record.size != listing.sizes[i]
    ]
    if damaged:
        many = f"{len(damaged)} shards are damaged: " if len(damaged) > 1 else "the shard "
        raise BadWeights(
            many + "; ".join(damaged),
            hint=f"Remove it and repeat the 'c2l pairs' that filled {out}: it is made again",
        )


def _refuse_others(
    there: PairsManifest, wanted: PairsManifest, parts: tuple[Generator, Embedder], out: Place
) -> None:
    """Raises ``IncompatibleParts``, naming every way in which the folder differs."""
    wrong = part_mismatches(there, *parts)
    same_layers = there.generator.fingerprint == wanted.generator.fingerprint
    if same_layers and there.repeats != wanted.repeats:
        wrong.append(
            f"its layer groups are {format_groups(there.repeats)}, "
            f"not {format_groups(wanted.repeats)}"
        )
    if same_layers and _classes(there) != _classes(wanted):
        wrong.append(f"its classes are {_classes(there)}, not {_classes(wanted)}")
    for name in ("precision", "latent_dtype"):
        ours, theirs = getattr(there, name), getattr(wanted, name)
        if ours != theirs:
            wrong.append(f"its {name.replace('_', ' ')} is {ours}, not {theirs}")
    if there.first_seed != wanted.first_seed:
        wrong.append(f"its first seed is {there.first_seed}, not {wanted.first_seed}")
    if there.shard_size != wanted.shard_size:
        wrong.append(f"its shards hold {there.shard_size} pairs, not {wanted.shard_size}")
    if there.batch_size != wanted.batch_size:
        wrong.append(f"its batches hold {there.batch_size} pictures, not {wanted.batch_size}")
    if wrong:
        raise IncompatibleParts(
            f"{out} holds other pairs: {'; '.join(wrong)}",
            hint="Choose another folder with `out`",
            field="out",
        )


def _classes(manifest: PairsManifest) -> str:
    """Among which classes pairs are drawn: ``7, 151-268``, or ``all`` or ``none``."""
    if not manifest.class_labels:
        return "all" if manifest.num_classes else "none"
    runs: list[list[int]] = []
    for number in manifest.class_labels:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def _command(manifest: PairsManifest, folder: Place) -> str:
    """What finishes a folder: a command, or for parts that have no name a call."""
    parts = manifest.generator.reference, manifest.embedder.reference
    if not all(parts) or any(part.startswith(f"{WRAPPED}:") for part in parts):
        return "call `c2l.build_pairs` again, with the same generator and embedder"
    fields: dict[str, object] = {
        "generator": manifest.generator.reference,
        "embedder": manifest.embedder.reference,
        "num": manifest.num,
    }
    if manifest.num_codes > 1:
        fields["groups"] = list(manifest.repeats)
    if manifest.class_labels:
        fields["class_labels"] = _classes(manifest).split(", ")
    if manifest.precision != "float32":
        fields["precision"] = manifest.precision
    if manifest.latent_dtype != "float32":
        fields["latents"] = manifest.latent_dtype
    if manifest.first_seed:
        fields["first_seed"] = manifest.first_seed
    fields["out"] = str(folder)
    return f"`c2l pairs {spell_fields(fields)}`"
