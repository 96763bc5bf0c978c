"""``c2l doctor``: what is wrong here, and the facts for a report."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.options import option


def doctor(as_json: Annotated[bool, option("Print one JSON object.", "--json")] = False) -> None:
    """Find problems on this machine, and say what to do.

    Problems come first. You can paste the output into an issue: it contains no user names, home
    folders or tokens. The exit code is 1 if there is a problem. The network is not used.
    """
    health = service.check_health()
    if as_json:
        output.print_json(dataclasses.asdict(health))
    else:
        _print(health)
    if health.problems:
        raise typer.Exit(1)


def _print(health: service.Health) -> None:
    num = len(health.problems)
    output.data(f"{num or 'no'} problem{'' if num == 1 else 's'}")
    for number, found in enumerate(health.problems, 1):
        output.data("")
        for start, text in ((f"{number}. ", found.problem), ("   -> ", found.hint)):
            indent = " " * len(start)
            output.data(textwrap.fill(text, 80, initial_indent=start, subsequent_indent=indent,
                                      break_long_words=False, break_on_hyphens=False))  # fmt: skip
    output.data("")
    output.print_details(health.facts, as_json=False)
