"""What all commands print with: data to stdout, talk to stderr."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from c2l import service
from c2l.cli.wording import in_flags
from c2l.errors import NotWritable

if TYPE_CHECKING:
    from c2l.service import Notice


def data(text: str) -> None:
    """Print a line of data on stdout. Raises ``NotWritable`` if it goes to a disk that is full."""
    with _stdout():
        print(text, flush=True)  # whoever reads a pipe may act on each line


def flush() -> None:
    """Flush stdout; raises as ``data`` does."""
    with _stdout():
        sys.stdout.flush()


def silence_stdout() -> None:
    """Drop what could not be written, so that it is not tried again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk(text: str, *, indent: int = 0) -> None:
    """Print a line on stderr; an indented one is wrapped between words on a terminal."""
    margin = " " * indent
    text = margin + in_flags(text)
    if indent and sys.stderr.isatty():
        from rich.console import Console

        wrapper = textwrap.TextWrapper(Console(stderr=True).width, subsequent_indent=margin)
        wrapper.break_long_words = wrapper.break_on_hyphens = False
        text = wrapper.fill(text)
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    """Print ``warning: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"warning: {' '.join(text.split())}")


def fail(text: str) -> None:
    """Print ``error: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"error: {' '.join(text.split())}")


def say(notice: Notice) -> None:
    """Print a notice of the service on stderr."""
    quiet = ("device", "precision", "resumed", "offer", "time", "path", "saved", "pairs")
    (talk if notice.kind in quiet else warn)(notice.text)


def warn_of_problems() -> None:
    """Warn of everything that is wrong with plugins and cards.

    Every command that looks something up by reference calls this first, once.
    """
    for problem in service.problems():
        warn(problem)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    data(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(rows: Sequence[Any], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print dataclasses as JSON, or as a table whose headings say which field is below each."""
    if as_json:
        print_json([dataclasses.asdict(row) for row in rows])
    else:
        cells = [[getattr(row, field) or "" for field in columns.values()] for row in rows]
        print_table(list(columns), cells)


def print_plugins(as_json: bool) -> None:
    """Print the installed plugins."""
    columns = {"plugin": "name", "package": "package", "state": "state", "summary": "remark"}
    print_rows(service.list_plugins(), columns, as_json=as_json)


def print_details(fields: Mapping[str, object], *, as_json: bool) -> None:
    """Print the fields of one thing as JSON, or below each other without the empty ones."""
    if as_json:
        print_json(fields)
        return
    shown = {name: text for name, value in fields.items() if (text := _plain(value))}
    width = max(map(len, shown), default=0)
    for name, text in shown.items():
        data(f"{name:<{width}}  " + text.replace("\n", "\n" + " " * (width + 2)))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings.

    On a narrow terminal the first column, which people copy from, is folded to half of the width
    and the last is cut. Into a pipe nothing is cut, so that ``grep`` finds whole rows.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    piped = not sys.stdout.isatty()
    console = Console(highlight=False, color_system=None, width=10_000) if piped else Console()
    first = min(max(len(row[0]) for row in (columns, *rows)), console.width // 2)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        # Rich takes missing width from columns that may wrap: here the last one only.
        table.add_column(column, width=None if index else first, no_wrap=not last)
    for name, *others, end in rows:
        cut = Text(end, overflow="ellipsis", no_wrap=True)
        table.add_row(Text(name, overflow="fold", no_wrap=False), *map(Text, others), cut)
    with _stdout(), console.capture() as capture:  # which flushes what came before
        console.print(table)
    # Rich pads every line to the width of the table, which is unwanted in a pipe.
    for line in capture.get().splitlines():
        data(line.rstrip())


@contextmanager
def _stdout() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence_stdout()
        reason = error.strerror or error
        hint = "Make room, or send it elsewhere"
        raise NotWritable(f"cannot write the output: {reason}", hint=hint) from error


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_plain, value))
    if isinstance(value, Mapping):
        filled = {key: _plain(item).replace("\n", " ") for key, item in value.items()}
        return ", ".join(f"{key} {text}" for key, text in filled.items() if text)
    return str(value)
