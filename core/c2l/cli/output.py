"""What all commands print with: data to stdout, talk to stderr."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from c2l.errors import NotWritable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from c2l.prior import Prior
    from c2l_registry import Registry


def data(text: str) -> None:
    """Print a line of data on stdout.

    Raises:
        NotWritable: it goes to a disk that is full.
    """
    with _stdout():
        print(text)


def flush() -> None:
    """Let go of what was printed on stdout; raises as ``data`` does."""
    with _stdout():
        sys.stdout.flush()


def silence_stdout() -> None:
    """What could not be written is not tried again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def talk(text: str, *, indent: int = 0) -> None:
    """Print a line for the reader on stderr.

    Args:
        indent: in columns; on a terminal, a text so indented is wrapped between words.
    """
    margin = " " * indent
    if indent and sys.stderr.isatty():
        from rich.console import Console

        width = Console(stderr=True).width
        text = textwrap.fill(
            text,
            width,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
    else:
        text = margin + text
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    """Print ``warning: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"warning: {' '.join(text.split())}")


def warn_of_unheard(prior: Prior, options: Iterable[str]) -> None:
    """Warn of each of these options that a prior ignores: of those of ``Prior.sample`` alone."""
    from c2l.sample_options import CHOICES

    kind = prior.reference.partition(":")[0]
    for name in options:
        if name in CHOICES - prior.supported_options:
            warn(f"{kind} has no use for --{name}; ignored")


def fail(text: str) -> None:
    """Print ``error: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"error: {' '.join(text.split())}")


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    data(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings.

    On a narrow terminal the first column, which people copy from, is folded to half of the width
    and the last is cut. Into a pipe nothing is cut and no colour is used, so that ``grep`` finds
    whole rows.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = _console()
    first = min(max(len(row[0]) for row in (columns, *rows)), console.width // 2)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        # Rich takes missing width from columns that may wrap: here the last one only.
        table.add_column(column, width=None if index else first, no_wrap=not last)
    for name, *others, end in rows:
        table.add_row(
            Text(name, overflow="fold", no_wrap=False),
            *map(Text, others),
            Text(end, overflow="ellipsis", no_wrap=True),
        )
    _print(table, console)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values below each other; empty values are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if text := _plain(value):
            table.add_row(name, Text(text))
    _print(table, _console())


def warned_registry(*, cards: bool = True) -> Registry:
    """The registry of this process, after a warning for each thing that is wrong in it.

    Every command that looks something up by reference calls this first, once.

    Args:
        cards: also read the card files, which takes longer than all the rest.
    """
    from c2l.plugins import registry

    for problem in registry().problems(cards=cards):
        warn(str(problem))
    return registry()


@contextmanager
def _stdout() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence_stdout()
        raise NotWritable(
            f"cannot write the output: {error.strerror or error}",
            hint="Make room, or send it elsewhere",
        ) from error


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


def _console() -> Console:
    from rich.console import Console

    piped = not sys.stdout.isatty()
    return Console(highlight=False, color_system=None, width=10_000) if piped else Console()


def _print(table: Table, console: Console) -> None:
    with _stdout(), console.capture() as capture:  # which flushes what came before
        console.print(table)
    # Rich fills every line up to the width of the table, which nobody wants in a pipe.
    for line in capture.get().splitlines():
        data(line.rstrip())
