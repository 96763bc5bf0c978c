"""Prompts as fields of a request: checked texts, and blends of them by weight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from c2l.errors import BadInput
from c2l.prompts.blends import check_text, parse_weighted
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
        if not (isinstance(row, Sequence) and len(row) == 2 and isinstance(row[0], str)):
            raise ValueError(f"{row!r} is not a text and its weight")
        text = _checked(row[0])
        if text in blend:
            raise FieldError(f"'{text}' is given twice in one prompt", hint="Give it one weight")
        blend[text] = _as_weight(text, row[1])
    if not blend:
        raise ValueError("the prompt is empty")
    return blend


def _as_weight(text: str, value: Any) -> float:
    try:
        weight = math.nan if isinstance(value, (str, bool)) else float(value)
    except OverflowError:
        weight = math.inf
    except (TypeError, ValueError):
        weight = math.nan
    if math.isnan(weight):
        raise ValueError(f"the weight of '{text}' is not a number: {value!r}")
    if not 0 < weight < math.inf:
        raise FieldError(
            f"'{text}' has weight {value!s:.20}, and weights are above 0 and finite",
            hint="What is unwanted goes into the `negative` prompt",
        )
    return weight


def as_written(blend: dict[str, float]) -> str | dict[str, float]:
    """A single text of weight 1 as itself."""
    (text, weight), *others = blend.items()
    return blend if others or weight != 1 else text


def _as_negative(value: Any) -> Any:
    """``beard, glasses:2`` is two texts: negative prompts are lists, separated by commas.

    Lists that people paste repeat themselves: what is said twice in the same way counts once.
    """
    if not isinstance(value, str):
        return value
    try:
        texts = [parse_weighted(part) for part in value.split(",") if part.strip()]
        return list(dict.fromkeys(texts)) or [value]
    except BadInput as error:
        raise FieldError(error.message, hint=error.hint) from None


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
"""As ``Blend``; a text is split at its commas, with weights after a colon."""
