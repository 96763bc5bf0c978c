"""``c2l pairs status``, ``finish`` and ``verify``: folders that others fill, or have filled."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import Commands
from c2l.cli.fetching import readable
from c2l.cli.options import Json
from c2l.cli.progress import duration, progress
from c2l.errors import ExitCode

Folder = Annotated[str, typer.Argument(metavar="DIR", help="A folder of pairs.")]


def status(folder: Folder, as_json: Json = False) -> None:
    """Show how much of a folder is done, and what is missing."""
    found = service.pairs_status(folder)
    plan = found.plan
    facts = {
        "pairs": found.num_done,
        "of": plan.num,
        "shards": found.num_shards_done,
        "of_shards": plan.num_shards,
        "size": found.size,
        "missing": found.missing,
        "per_hour": found.per_hour,
        "complete": found.complete,
        "workers": [dataclasses.asdict(worker) for worker in found.workers],
    }
    if as_json:
        output.print_json(facts)
        return
    lines = {
        "pairs": f"{found.num_done:,} of {plan.num:,}",
        "shards": f"{found.num_shards_done:,} of {plan.num_shards:,}, {readable(found.size)}",
        "missing": found.missing_in_short,
        "pace": _pace(found),
        "workers": f"{len(found.workers):,} at work" if found.workers else "",
        "generator": plan.generator.reference,
        "embedder": plan.embedder.reference,
    }
    output.print_details(lines, as_json=False)
    for worker in found.workers:
        if worker.hangs:
            output.warn(
                f"node {worker.node}, process {worker.pid}: no sign for {duration(worker.silent)} "
                f"in {worker.shard}. If it still runs, end it (kill -9 {worker.pid} there); "
                "'c2l pairs --out' draws the shard again"
            )


def finish(folder: Folder) -> None:
    """Write the list of all shards, once all are there.

    'c2l pairs' does this itself after drawing the last one.
    """
    plan = service.finish_pairs(folder)
    output.talk(f"{plan.num:,} pairs in {folder}. Train on them: c2l train --pairs {folder}")


def verify(folder: Folder, as_json: Json = False) -> int:
    """Check every finished shard against its record.

    The exit code is 9 if one is damaged."""
    with progress("hashing", "shards") as update:
        found = service.verify_pairs(folder, update)
    if as_json:
        output.print_json(dataclasses.asdict(found))
    else:
        for damage in found.damaged:
            output.data(f"{damage.file}  {damage.what}")
        output.talk(
            f"{len(found.damaged):,} of {found.num_shards:,} shards are damaged"
            + (". Remove them and repeat 'c2l pairs'" if found.damaged else "")
        )
        for kind in found.made_on:
            output.talk(f"made on {kind}")
    return ExitCode.BAD_FILE if found.damaged else ExitCode.OK


def _pace(found: service.FolderStatus) -> str:
    if not found.per_hour or found.complete:
        return ""
    left = duration((found.plan.num - found.num_done) / found.per_hour * 3600)
    return f"{found.per_hour:,} pairs an hour lately, {left} left at that rate"


COMMANDS: Commands = {"status": status, "finish": finish, "verify": verify}
