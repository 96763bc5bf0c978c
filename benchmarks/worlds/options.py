"""The options that benchmarks of worlds have in common."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path


def world_parser(doc: str | None, worlds: Iterable[str]) -> ArgumentParser:
    """A parser of ``--work``, and of ``--world``, which may be given several times.

    Args:
        doc: of the script, whose first line says what it is.
        worlds: that it can measure.
    """
    parser = ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="keeps everything it makes")
    parser.add_argument("--world", choices=[*worlds], action="append", help="only this one")
    return parser
