"""``c2l pairs``: random latents, their pictures, and what the embedder sees in them."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.progress import progress

EXAMPLES = """
c2l pairs -g stylegan:demo-faces -e openclip:demo --num 20000 --out faces-pairs
"""


def pairs(
    context: typer.Context,
    generator: Annotated[str, options.option("What draws the pictures.", "-g", "--generator")],
    embedder: Annotated[str, options.option("What looks at them.", "-e", "--embedder")],
    out: Annotated[str, options.place("Folder; an unfinished one is resumed.", "--out", "-o")],
    num: options.NumPairs = None,
    groups: options.Groups = None,
    class_labels: options.Classes = None,
    first_seed: Annotated[int, options.option("Seed of the first pair.")] = 0,
    shard_size: options.ShardSize = None,
    batch_size: options.PairsAtOnce = None,
    workers: options.Workers = None,
    device: options.Device = "auto",
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Annotated[bool, options.option("Print the manifest as JSON.", "--json")] = False,
) -> None:
    """Draw random latents, render and embed them, and store the pairs.

    If it is interrupted, the same command resumes.
    """
    output.warn_of_problems()
    with downloads() as on_download, progress("making pairs", "pairs") as update:
        made = service.make_pairs(
            **fields_of(context),
            ask=questions(accept_licence, accept_programs),
            tell=output.say,
            on_download=on_download,
            on_progress=update,
        )
    if as_json:
        output.data(made.manifest.to_json().rstrip())
    else:
        output.talk(f"{len(made):,} pairs in {out}. Train on them: c2l train --pairs {out}")
