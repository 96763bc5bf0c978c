"""Prompts as fields of a request: checked texts, and blends of them by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from c2l.errors import BadInput
from c2l.prompts.blends import check_text
from c2l.validation import FieldError


def _checked(text: str) -> str:
    try:
        check_text(text, "prompt")
    except BadInput as error:
        raise FieldError(error.message, hint=error.hint) from None
    return text


Text = Annotated[str, AfterValidator(_checked)]
"""A text that is neither empty nor undecodable."""


def _as_blend(value: Any) -> dict[str, float]:
    """A text, ``{text: weight}``, or a list of ``[text, weight]``, as texts with weights."""
    if isinstance(value, str):
        rows: Sequence[Any] = [(value, 1.0)]
    elif isinstance(value, Mapping):
        rows = list(value.items())
    elif isinstance(value, Sequence):
        rows = [(row, 1.0) if isinstance(row, str) else row for row in value]
    else:
        raise ValueError("a prompt is a text, or texts with weights")
    blend: dict[str, float] = {}
    for row in rows:
        if not _is_weighted(row):
            raise ValueError(f"{row!r} is not a text and its weight")
        text, weight = _checked(row[0]), float(row[1])
        if not 0 < weight < float("inf"):
            raise FieldError(
                f"'{text}' has weight {weight:g}, and weights are above 0",
                hint="Leave it out; what is unwanted goes into `negative`",
            )
        if text in blend:
            raise FieldError(f"'{text}' is given twice in one prompt", hint="Give it one weight")
        blend[text] = weight
    if not blend:
        raise ValueError("the prompt is empty")
    return blend


def _is_weighted(row: Any) -> bool:
    return (
        isinstance(row, Sequence)
        and len(row) == 2
        and isinstance(row[0], str)
        and isinstance(row[1], (int, float))
        and not isinstance(row[1], bool)
    )


def as_written(blend: dict[str, float]) -> str | dict[str, float]:
    """A single text of weight 1 as itself."""
    (text, weight), *others = blend.items()
    return blend if others or weight != 1 else text


def _as_negative(value: Any) -> Any:
    """``beard, glasses`` is two texts: what is unwanted is listed, as everywhere in the field."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()] or [value]
    return value


Blend = Annotated[
    dict[str, float],
    BeforeValidator(_as_blend),
    PlainSerializer(as_written, return_type=Any),
]
"""One text, or several with weights, as in ``{"a man": 1, "a pirate": 0.4}``."""

Negative = Annotated[
    dict[str, float],
    BeforeValidator(lambda value: _as_blend(_as_negative(value))),
    PlainSerializer(lambda blend: dict(blend), return_type=Any),
]
"""As ``Blend``; a text is split at its commas."""
