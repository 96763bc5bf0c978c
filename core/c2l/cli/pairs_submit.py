"""``c2l pairs submit``: pairs by SLURM."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions


def submit(
    context: typer.Context,
    out: Annotated[
        str, options.place("Folder for the pairs, visible to all nodes.", "--out", "-o")
    ],
    generator: options.PairsGenerator = None,
    embedder: options.PairsEmbedder = None,
    num: options.NumPairs = None,
    groups: options.Groups = None,
    class_labels: options.Classes = None,
    first_seed: options.FirstSeed = None,
    shard_size: options.ShardSize = None,
    batch_size: options.PairsAtOnce = None,
    precision: options.PairsPrecision = None,
    latents: options.PairsLatents = None,
    device: Annotated[str, options.option("Device of the nodes.")] = "cuda",
    tasks: Annotated[int, options.option("Maximum number of tasks.")] = 100,
    sbatch: Annotated[
        list[str] | None, options.option("An option of sbatch, as in --gpus=1; repeatable.")
    ] = None,
    dry_run: Annotated[bool, options.option("Only write the scripts.", "--dry-run")] = False,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Annotated[bool, options.option("Print the job ids as JSON.", "--json")] = False,
) -> None:
    """Have SLURM make the missing pairs.

    This submits arrays of tasks, and a job that finishes the folder.

    Run the same command again to submit what is left.
    """
    output.warn_of_problems()
    with downloads() as on_download:
        handed = service.submit_pairs(
            service.PairsRequest(**fields_of(context, "tasks", "sbatch", "dry_run")),
            tasks=tasks,
            sbatch=sbatch or (),
            dry_run=dry_run,
            ask=questions(accept_licence, accept_programs),
            tell=output.say,
            on_download=on_download,
        )
    jobs, scripts = handed.jobs, handed.scripts
    if as_json:
        output.print_json(dataclasses.asdict(jobs) if jobs else {})
    elif jobs:
        arrays = " ".join(jobs.arrays)
        output.talk(f"{jobs.num_tasks:,} tasks in {arrays}, then {jobs.merge} to finish the folder")
        output.talk(f"how far they are: c2l pairs status {out}; their logs: {scripts.task.parent}")
        output.talk(f"to end them: scancel {arrays} {jobs.merge}")
    elif dry_run:
        output.talk(f"{scripts.task} and {scripts.merge} are written; nothing was handed over")
    else:
        output.talk(f"nothing is missing in {out}. Write its list: c2l pairs finish {out}")
