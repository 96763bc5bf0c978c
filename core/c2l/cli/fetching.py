"""Licences asked for on the terminal, and downloads shown on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from c2l.cli.output import talk

if TYPE_CHECKING:
    from c2l.service import Question

NARROW = 72
"""Columns of a terminal; with fewer there is no room for throughput and time left."""


def licence_question(accept: bool) -> Callable[[Question], bool]:
    """How the service asks for licences: ``--accept-licence`` answers, or else the terminal."""

    def ask(question: Question) -> bool:
        describe(question)
        if accept or not question.unaccepted:
            return True
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            from c2l.service import refusal

            raise refusal(question)
        try:
            return typer.confirm("Accept the licences and fetch?", err=True)
        except typer.Abort:
            talk("")  # the question's line is still open
            raise

    return ask


def describe(question: Question) -> None:
    """Say on stderr what is to be fetched: sizes and licences."""
    size = question.known_size
    more = "" if question.is_size_complete or not size else " and more of unknown size"
    talk(f"to be fetched: {readable(size) if size else 'unknown size'}{more}")
    for model in question.models:
        talk(f"  {model.reference}  {readable(model.size) if model.size else 'unknown size'}")
        forbidden = " (no commercial use)" if model.commercial_use is False else ""
        page = f", {model.licence_url}" if model.licence_url else ""
        talk(f"licence: {model.licence}{forbidden}{page}", indent=4)
        if model.notes:
            talk(model.notes, indent=4)


def readable(size: int) -> str:
    """``381624121`` to ``381.6 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


class Downloads:
    """Shows downloads: a bar for each file; into a pipe, a line for each that has arrived.

    It is called with a file, the bytes of it that are here, and its bytes in all or None.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: set[Any] = set()
        self._tasks: dict[Any, Any] = {}
        self._bars: Any = None

    def __call__(self, file: Any, here: int, total: int | None) -> None:
        with self._lock:
            if sys.stderr.isatty():
                self._draw(file, here, total)
            elif here == total and file not in self._done and file.path.exists():
                self._done.add(file)
                talk(f"fetched {file.path.name}: {readable(here)}")

    def _draw(self, file: Any, here: int, total: int | None) -> None:
        self._bars = self._bars or _bars()
        if file not in self._tasks:
            self._tasks[file] = self._bars.add_task(file.path.name, total=file.size)
        self._bars.start()  # does nothing if they run
        self._bars.update(self._tasks[file], completed=here, total=total)
        if self._bars.finished:  # what follows may draw bars of its own
            self._bars.stop()


def _bars() -> Any:
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    console = Console(stderr=True)
    pace = (progress.TransferSpeedColumn, progress.TimeRemainingColumn)
    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),  # the only one to give way on a narrow terminal
        progress.DownloadColumn(table_column=Column(no_wrap=True)),
        *(c(table_column=Column(no_wrap=True)) for c in pace if console.width >= NARROW),
        console=console,
    )
