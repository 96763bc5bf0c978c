"""How many candidates there are of each picture: a number, or as many as help."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

AUTO = "auto"

MOST_CANDIDATES = 128
"""Of one picture where their number is left open: twice as many bring next to nothing."""


def _number_or_auto(value: object) -> object:
    """Raises ``ValueError`` where pydantic would name the faults of each of the two."""
    if value == AUTO:
        return value
    try:
        number = int(value) if isinstance(value, (int, str)) else None
    except ValueError:
        number = None
    if number is None:
        raise ValueError(f"`best_of={value!r}` is neither a whole number nor auto")
    if number < 1:
        raise ValueError(f"`best_of={number}` is below 1")
    return number


BestOf = Annotated[int | Literal["auto"], BeforeValidator(_number_or_auto)]
"""Candidates for each picture, or ``auto``: as many as help."""
