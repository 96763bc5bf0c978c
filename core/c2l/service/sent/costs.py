"""What one request may cost a server that everybody can ask."""

from __future__ import annotations

from collections.abc import Iterator

from c2l.errors import BadInput
from c2l.sampling.operations import Operation, inner
from c2l.sampling.request import DrawRequest

MOST_STEPS = 1_000
"""Of a prior, and of gradient descent; far beyond what makes pictures better."""

MOST_CANDIDATES = 256
"""Drawn for one picture."""


def refuse_costly(request: DrawRequest) -> None:
    """Raises ``BadInput`` for values that are possible, but would keep a machine busy for hours."""
    _refuse("best_of", request.most_candidates, MOST_CANDIDATES)
    _refuse("optimise", request.optimise, MOST_STEPS)
    _refuse("steps", request.steps, MOST_STEPS)
    for operation in _all_within(request.latents) if request.latents is not None else ():
        _refuse("steps", getattr(operation, "steps", None), MOST_STEPS)


def _refuse(name: str, value: int | None, most: int) -> None:
    if value is not None and value > most:
        raise BadInput(
            f"`{name}={value}` is more than this server allows",
            hint=f"Use {most:,} at most",
            field=name,
        )


def _all_within(operation: Operation) -> Iterator[Operation]:
    yield operation
    for one in inner(operation):
        yield from _all_within(one)
