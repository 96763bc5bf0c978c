"""``c2l compat``: which parts fit together."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.options import Json, option
from c2l.cli.wording import in_flags

MANY = 5
"""Embedders without a prior that are listed one by one, for one generator."""

WIDTH = 80

Priors = Annotated[
    list[str] | None,
    typer.Argument(metavar="PRIOR", help="Your own priors: references or files."),
]


def compat(
    priors: Priors = None,
    generators: Annotated[
        list[str] | None, option("Only this generator; repeatable.", "-g", "--generator")
    ] = None,
    embedders: Annotated[
        list[str] | None, option("Only this embedder; repeatable.", "-e", "--embedder")
    ] = None,
    every: Annotated[bool, option("Include what is not on this machine.", "--all")] = False,
    as_json: Json = False,
) -> None:
    """Show which parts fit together, and why others do not.

    Covers the models on this machine and priors you name. Where a prior is missing, the command
    that makes it is shown. No weights are loaded.
    """
    output.warn_of_problems()
    rows = service.find_fits(
        priors or (), generators=generators or (), embedders=embedders or (), every=every
    )
    rows = [dataclasses.replace(row, command=_spoken(row.command)) for row in rows]
    if as_json:
        output.print_rows(rows, {}, as_json=True)
        return
    blocks = [list(some) for _, some in groupby(rows, key=lambda row: row.generator)]
    alone = [block for block in blocks if len(block) > MANY and _without(block) == block]
    for number, block in enumerate(block for block in blocks if block not in alone):
        _print(number > 0, block[0].generator or "a generator without a name", _block(block))
    if alone:
        command = _general(alone[0][0], "generator", "embedder")
        lines = _row(f"no prior, with any of {len(alone[0])} embedders", "", command)
        _print(len(alone) < len(blocks), f"{len(alone)} other generators", lines)


def _print(apart: bool, heading: str, lines: Iterator[str]) -> None:
    for line in ([""] * apart) + [heading, *lines]:
        output.data(line)


def _block(rows: list[service.Fit]) -> Iterator[str]:
    """The rows of one generator; many without a prior are one."""
    without = _without(rows)
    for row in sorted(rows, key=lambda row: ("fits", "needs", "no prior").index(row.state)):
        if row.state != "no prior" or len(without) <= MANY:
            yield from _row(row.embedder or "an embedder without a name", _said(row), row.command)
    if len(without) > MANY:
        others = f"{len(without)} other embedders"
        yield from _row(others, "no prior", _general(without[0], "embedder"))


def _without(rows: list[service.Fit]) -> list[service.Fit]:
    return [row for row in rows if row.state == "no prior"]


def _said(row: service.Fit) -> str:
    priors = ", ".join(row.priors)
    if row.state == "fits":
        return f"fits, by {priors}"
    if row.state == "needs":
        return f"{priors}, but {row.reason}"
    return f"no prior: {row.reason}" if row.reason else "no prior"


def _general(row: service.Fit, *parts: str) -> str:
    """The command of a row, for parts that a reader puts in."""
    command = row.command.replace(row.command.split()[-1], "FILE.safetensors")
    for part in parts:
        command = command.replace(getattr(row, part), part.upper())
    return command


def _row(name: str, said: str, command: str) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{name}  {said}", WIDTH, initial_indent="  ", subsequent_indent="      ",
        break_long_words=False, break_on_hyphens=False)  # fmt: skip
    if command:
        yield from _command(command)


def _command(command: str) -> Iterator[str]:
    """A command as a shell takes it, in several lines if it is long."""
    words = re.split(r" (?=-)" if " -" in command else r" (?=\S+:)", command)
    line = "    " + words[0]
    for word in words[1:]:
        if len(line) + len(word) + 3 > WIDTH:
            yield line + " \\"
            line = "       "
        line += " " + word
    yield line


def _spoken(command: str) -> str:
    return in_flags(f"`{command}`") if command else ""
