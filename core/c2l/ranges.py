"""Ranges of values, each defined once, as annotated types for pydantic.

Requests, ``SampleOptions``, training runs and the settings of priors are declared with them, so a
value out of range gets the same message wherever it is given.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

MOST_GUIDANCE = 100
MOST_TRUNCATION = 2
"""Beyond these limits, priors and generators return noise, and finally NaN."""

MOST_STRENGTH = 100
"""Of a direction, either way."""

MOST_SEED = 2**64 - 1

Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Guidance = Annotated[float, Field(ge=0, le=MOST_GUIDANCE, allow_inf_nan=False)]
Truncation = Annotated[float, Field(ge=-MOST_TRUNCATION, le=MOST_TRUNCATION, allow_inf_nan=False)]
Adherence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=-MOST_STRENGTH, le=MOST_STRENGTH, allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _number_or_name(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
        raise ValueError(f"{value!r:.60} is neither the number of a class nor its name")
    return value


ClassLabel = Annotated[int | str, BeforeValidator(_number_or_name)]
"""A class by number or name; which there are, the generator knows."""

# For the settings of priors.
Count = Annotated[int, Field(ge=1)]
Size = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Drop = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
