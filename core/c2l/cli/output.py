"""What all commands print with: data to stdout, talk to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from c2l_registry import Registry

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def data(text: str) -> None:
    """Print a line of data on stdout."""
    print(text)


def talk(text: str) -> None:
    """Print a line for the reader on stderr."""
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    """Print ``warning: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"warning: {' '.join(text.split())}")


def fail(text: str) -> None:
    """Print ``error: …`` on stderr, in one line whatever ``text`` holds."""
    talk(f"error: {' '.join(text.split())}")


def print_json(data: Any) -> None:
    """Print data as JSON on stdout."""
    print(json.dumps(data, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Print rows under headings; the last column gives way where the terminal is narrow.

    Into a pipe nothing is cut and no colour is used, so that ``grep`` finds whole rows.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=SIMPLE_HEAD,
        title=Text(title) if title else None,
        title_justify="left",
        title_style="bold",
        show_edge=False,
        pad_edge=False,
    )
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(
            column, no_wrap=True, overflow="ellipsis" if last else "fold", ratio=1 if last else None
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values below each other; empty values are left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value not in (None, "", [], (), {}):
            table.add_row(name, Text(_plain(value)))
    _print(table)


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


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "\n".join(str(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
    return str(value)


def _print(renderable: object) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000, no_color=True, force_terminal=False)
        with console.capture() as capture:
            console.print(renderable)
        # Rich fills every line to the width of the table; nobody wants those blanks in a pipe.
        print("\n".join(line.rstrip() for line in capture.get().splitlines()))
        return
    console.print(renderable)
