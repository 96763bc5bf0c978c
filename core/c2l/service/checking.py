"""Checks parts against the laws of their interface, for front ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from c2l.conformance import Report, check, check_all, check_file
from c2l.errors import BadInput


def check_parts(part: str | None, *, all: bool = False) -> Iterator[Report]:
    """Check a part by reference, those of a loose file, or all that are on this machine.

    Args:
        part: ``kind:name``, the kind of a prior, or the path of a ``.py`` file.
    Raises:
        BadInput: both, or neither.
    """
    if all == (part is not None):
        raise BadInput(
            "name one part, or check all",
            hint="Give `part`, as in `c2l check part=stylegan:demo-faces`, or `all`",
            field="part",
        )
    if part is None:
        yield from check_all()
    elif part.endswith(".py"):
        yield from check_file(Path(part).expanduser())
    else:
        yield check(part)
