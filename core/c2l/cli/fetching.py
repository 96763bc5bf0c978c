"""Licences and programs asked for on the terminal, and downloads shown on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from c2l import service
from c2l.cli.output import print_rows, say, talk
from c2l.cli.progress import progress

if TYPE_CHECKING:
    from c2l.service import LicenceQuestion, ProgramQuestion


PULLED = {"model": "reference", "state": "state", "path": "path"}


def questions(
    accept_licence: bool, accept_programs: bool = False
) -> Callable[[LicenceQuestion | ProgramQuestion], bool]:
    """How the service asks for licences and programs: an option answers, or else the terminal."""

    def ask(question: LicenceQuestion | ProgramQuestion) -> bool:
        if isinstance(question, service.ProgramQuestion):
            return _ask_about_program(question, accept_programs)
        describe(question)
        if accept_licence or not question.unaccepted:
            return True
        _refuse_without_terminal(question)
        return _confirm("Accept the licences and fetch?")

    return ask


def _ask_about_program(question: ProgramQuestion, accept: bool) -> bool:
    if not accept:
        _refuse_without_terminal(question)
    talk(f"{question.reference} is a program, which may do more than draw")
    talk(f"sha256: {question.sha256}", indent=4)
    return accept or _confirm("Do you trust whoever made it?")


def _refuse_without_terminal(question: LicenceQuestion | ProgramQuestion) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise service.refusal(question)


def _confirm(text: str) -> bool:
    try:
        return typer.confirm(text, err=True)
    except typer.Abort:
        talk("")  # the question's line is still open
        raise


def describe(question: LicenceQuestion) -> None:
    """Say on stderr what is to download: sizes and licences."""
    size = question.known_size
    more = "" if question.is_size_complete or not size else " and more of unknown size"
    talk(f"to download: {readable(size) if size else 'unknown size'}{more}")
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


def pull(
    references: Sequence[str],
    fetch: Callable[..., Any],
    names: Sequence[str],
    accept: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Fetch what is missing of models, after one question, and list them.

    Args:
        fetch: of the service; takes ``names``.
        dry_run: fetch nothing, and only list.
    """
    if dry_run:
        question, rows = service.plan_pull(references)
        if question and not as_json:
            describe(question)
    else:
        ask = questions(accept)
        with downloads() as report:
            rows = fetch(names, ask=ask, tell=say, on_download=report)
    print_rows(rows, PULLED, as_json=as_json)


@contextmanager
def downloads() -> Iterator[Callable[[Any, int, int | None], None]]:
    """Show downloads: a bar for all of them; into a pipe, a line for each that has arrived."""
    lock = threading.Lock()
    files: dict[Any, tuple[int, int]] = {}
    with progress("fetching", "MB") as show:

        def report(file: Any, here: int, total: int | None) -> None:
            with lock:
                arrived = here == total and file.path.exists()
                if arrived and files.get(file) != (here, here) and not sys.stderr.isatty():
                    talk(f"fetched {file.path.name}: {readable(here)}")
                files[file] = here, here if arrived else max(total or file.size or 0, here + 1)
                done, size = map(sum, zip(*files.values(), strict=True))
                show(done / 10**6, size / 10**6, file.path.name)

        yield report
