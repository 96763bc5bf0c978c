"""``c2l pairs``: random latents, their pictures, and what the embedder sees in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from c2l.cli import output
from c2l.cli.fetching import fetch_with_consent
from c2l.cli.options import AcceptLicence, Device, Groups
from c2l.cli.progress import progress
from c2l.errors import BadInput, ExitCode

if TYPE_CHECKING:
    from c2l.embedder import Embedder
    from c2l.generator import Generator
    from c2l.pairs import Pairs

DEFAULT_NUM = 100_000
WORTH_WORKERS = 1000
"""Below so many pairs, starting processes takes longer than they save."""

EXAMPLES = """
c2l pairs -g stylegan:demo-faces -e openclip:demo --num 20000 --out faces-pairs
"""


def register(app: typer.Typer) -> None:
    app.command("pairs", epilog=EXAMPLES)(pairs)


def pairs(
    generator: Annotated[str, typer.Option("-g", "--generator", help="What draws the pictures.")],
    embedder: Annotated[str, typer.Option("-e", "--embedder", help="What looks at them.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the pairs; a begun one is gone on with.")
    ],
    num: Annotated[int, typer.Option("--num", "-n", help="How many pairs.")] = DEFAULT_NUM,
    groups: Groups = None,
    first_seed: Annotated[int, typer.Option(help="Seed of the first pair.")] = 0,
    shard_size: Annotated[
        int | None, typer.Option(help="Pairs in one file.", show_default="what suits their size")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Pictures drawn at once.", show_default="what suits their size"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that draw.", show_default="the CPU's cores, one on a GPU"),
    ] = None,
    device: Device = "cpu",
    accept_licence: AcceptLicence = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Draw random latents, render and embed them, and store the pairs.

    Interrupted, the same command goes on where it stopped.
    """
    from c2l.loading import load_embedder, load_generator

    layers = None if groups is None else read_groups(groups)
    output.warned_registry()
    fetch_with_consent([generator, embedder], accept_licence=accept_licence)
    drawer = load_generator(generator, device=device)
    made = make_pairs(
        drawer,
        load_embedder(embedder, device=device),
        num,
        out,
        groups=layers,
        first_seed=first_seed,
        shard_size=shard_size,
        batch_size=batch_size,
        workers=num_workers(drawer.device.type, num) if workers is None else workers,
    )
    if as_json:
        output.data(made.manifest.to_json().rstrip())
    else:
        output.talk(f"{len(made):,} pairs in {out}. Train on them: c2l train --pairs {out}")


def read_groups(text: str) -> tuple[int, ...]:
    """``4,4,10`` as numbers. Raises ``BadInput``."""
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise BadInput(
            f"--groups {text} is no list of numbers", hint="Write it as in --groups 4,4,10"
        ) from None


def num_workers(device: str, num: int) -> int:
    """How many processes draw ``num`` pairs best on a type of device."""
    if device != "cpu" or num < WORTH_WORKERS:
        return 1
    affinity = getattr(os, "sched_getaffinity", None)  # a container may own fewer than all cores
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def make_pairs(
    generator: Generator,
    embedder: Embedder,
    num: int,
    out: Path,
    *,
    groups: tuple[int, ...] | None = None,
    first_seed: int = 0,
    shard_size: int | None = None,
    batch_size: int | None = None,
    workers: int = 1,
) -> Pairs:
    """``build_pairs`` under a progress bar; Ctrl-C ends the command and says how to go on."""
    from c2l.pairs import PairsInterrupted, build_pairs

    try:
        with progress("making pairs", "pairs") as update:
            return build_pairs(
                generator,
                embedder,
                num,
                out,
                groups=groups,
                first_seed=first_seed,
                shard_size=shard_size,
                batch_size=batch_size,
                workers=workers,
                on_progress=lambda done, total: update(done, total, ""),
            )
    except PairsInterrupted as stop:
        output.talk(f"interrupted: {stop}. Give the same command again to go on")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
