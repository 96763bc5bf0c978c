"""``c2l pairs``: random latents, their pictures, and what the embedder sees in them."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of, is_another
from c2l.cli.fetching import downloads, questions
from c2l.cli.progress import progress
from c2l.errors import BadInput

EXAMPLES = """
c2l pairs -g stylegan:demo-faces -e openclip:demo --num 20000 --out faces-pairs
c2l pairs --out faces-pairs --rank 3 --world 8
"""


def pairs(
    context: typer.Context,
    generator: options.PairsGenerator = None,
    embedder: options.PairsEmbedder = None,
    out: Annotated[
        options.Text,
        options.place("Folder for the pairs; an unfinished one is resumed.", "--out", "-o"),
    ] = None,
    num: options.NumPairs = None,
    groups: options.Groups = None,
    class_labels: options.Classes = None,
    first_seed: options.FirstSeed = None,
    shard_size: options.ShardSize = None,
    batch_size: options.PairsAtOnce = None,
    precision: options.PairsPrecision = None,
    latents: options.PairsLatents = None,
    engine: options.Engine = "local",
    workers: options.Workers = None,
    device: options.Device = "auto",
    devices: options.Devices = None,
    shards: options.Shards = None,
    rank: options.Rank = None,
    world: options.World = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Annotated[bool, options.option("Print the manifest as JSON.", "--json")] = False,
) -> None:
    """Make pairs: draw random pictures and embed them.

    If interrupted, run the same command again to resume, or c2l pairs --out FOLDER.
    """
    if is_another(context):
        return
    if out is None:
        raise BadInput("there is no folder for the pairs", hint="Name it with `out`", field="out")
    output.warn_of_problems()
    with downloads() as on_download, progress("making pairs", "pairs") as update:
        status = service.make_pairs(
            service.PairsRequest(**fields_of(context)),
            ask=questions(accept_licence, accept_programs),
            tell=output.say,
            on_download=on_download,
            on_progress=update,
        )
    if as_json:
        output.data(status.plan.to_json().rstrip())
    elif status.complete:
        output.talk(f"{status.num_done:,} pairs in {out}. Train on them: c2l train --pairs {out}")
    else:
        output.talk(
            f"{status.num_done:,} of {status.plan.num:,} pairs in {out}; shards "
            f"{status.missing_in_short} are for others"
        )
