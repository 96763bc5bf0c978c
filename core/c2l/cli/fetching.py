"""Asking for the licences of weights, once, and fetching them with progress on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from c2l.cli.output import talk, warn
from c2l.errors import LicenceNotAccepted, NotWritable

if TYPE_CHECKING:
    from c2l.fetching import Missing
    from c2l_registry import Registry
    from c2l_registry.downloads import FileReport
    from c2l_registry.weights import WantedFile

NARROW = 72
"""Columns of a terminal; with fewer there is no room for throughput and time left."""


def fetch_with_consent(references: Sequence[str], *, accept_licence: bool) -> list[Missing]:
    """Fetch what is missing of these models, after one yes to all their licences.

    Returns:
        What was fetched.
    Raises:
        LicenceNotAccepted: the answer was no, or there is no terminal to ask on.
        NotDownloaded, NotWritable, BadWeights, UnknownReference, BadReference, PluginFailed
    """
    from c2l.fetching import convert_fetched, fetch_missing, find_missing, not_accepted

    missing = find_missing(references)
    if missing:
        describe(missing)
    questions = [model for model in missing if not model.accepted]
    if questions and not accept_licence:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise not_accepted(questions)
        if not _confirmed("Accept the licences and fetch?"):
            raise LicenceNotAccepted("the licences were not accepted, and nothing was fetched")
    try:
        if missing:
            with _progress([file for model in missing for file in model.files]) as report:
                fetch_missing(missing, accept_licence=True, report=report)
        try:
            convert_fetched(references)
        except NotWritable as error:
            warn(f"{error}. Until then it opens as it was fetched, which takes longer")
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("what has arrived is kept, and the same command goes on") from stop
    return missing


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        talk("")  # the question's line is still open
        raise


def named_parts(
    registry: Registry,
    recipe: str | None,
    generator: str | None,
    embedder: str | None,
    prior: str | None,
) -> list[str]:
    """The references that ``c2l.load_pipeline`` will load by name, given the same choices."""
    from c2l.loading import DEFAULT_RECIPE

    if recipe is None and prior is None:
        recipe = DEFAULT_RECIPE
    card = registry.recipe(recipe) if recipe is not None else None
    named = (
        generator or (card.generator if card else None),
        embedder or (card.embedder if card else None),
        prior or (card.prior if card else None),
    )
    return [part for part in named if part is not None]


def describe(missing: Sequence[Missing]) -> None:
    """Say on stderr what is to be fetched: sizes and licences."""
    from c2l.fetching import licence_line

    sizes = [model.size for model in missing]
    known = sum(size or 0 for size in sizes)
    more = " and more of unknown size" if None in sizes else ""
    talk(f"to be fetched: {readable(known) if known else 'unknown size'}{more if known else ''}")
    for model in missing:
        size = readable(model.size) if model.size else "unknown size"
        talk(f"  {model.reference}  {size}")
        page = f", {model.licence_url}" if model.licence_url else ""
        talk(f"licence: {licence_line(model)}{page}", indent=4)
        if model.card and model.card.notes:
            talk(model.card.notes, indent=4)


def readable(size: int) -> str:
    """``381624121`` to ``381.6 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


@contextmanager
def _progress(files: Sequence[WantedFile]) -> Iterator[FileReport]:
    if not (files and sys.stderr.isatty()):
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column

    console = Console(stderr=True)
    pace = (
        TransferSpeedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),  # the only one to give way on a narrow terminal
        DownloadColumn(table_column=Column(no_wrap=True)),
        *(pace if console.width >= NARROW else ()),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {file: bars.add_task(file.path.name, total=file.size) for file in files}

        def update(file: WantedFile, here: int, total: int | None) -> None:
            bars.update(tasks[file], completed=here, total=total)
            if bars.finished:  # what follows may draw bars of its own
                bars.stop()

        yield update


def _lines() -> FileReport:
    """The same into a pipe: a line when a file is here."""
    done: set[WantedFile] = set()
    lock = threading.Lock()

    def update(file: WantedFile, here: int, total: int | None) -> None:
        with lock:
            if here == total and file not in done and file.path.exists():
                done.add(file)
                talk(f"fetched {file.path.name}: {readable(here)}")

    return update
