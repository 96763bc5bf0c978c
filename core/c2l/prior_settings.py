"""The settings of a prior as a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2l.ranges import Count
from c2l_registry.wording import describe_problem

WIDTHS = ("embedding_width", "num_codes", "latent_width")
"""Settings that every prior needs, and that follow from the pairs."""

FROM_PAIRS = (*WIDTHS, "num_classes")
"""All that follow from the pairs."""


class PriorSettings(BaseModel):
    """The settings of a prior: all that defines it but its weights. Each prior has a subclass.

    Annotate fields with their ranges (``c2l.ranges``, or ``Annotated[int, Field(ge=1)]``): values
    out of range are refused before any work, by ``c2l train`` and in Python alike.

    Args:
        embedding_width: E.
        num_codes: K.
        latent_width: D.
        num_classes: of the generator, for priors that learn them; 0 for those that know of none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    embedding_width: Count
    num_codes: Count
    latent_width: Count
    num_classes: Annotated[int, Field(ge=0)] = 0

    @classmethod
    def own_fields(cls) -> tuple[str, ...]:
        """The settings that do not follow from the pairs."""
        return tuple(name for name in cls.model_fields if name not in FROM_PAIRS)

    @classmethod
    def problems(cls, settings: Mapping[str, Any]) -> list[str]:
        """What is wrong with settings, the widths aside; one text for each."""
        try:
            cls(**{**dict.fromkeys(WIDTHS, 1), **settings})
        except ValidationError as error:
            return [problem_text(problem) for problem in error.errors(include_url=False)]
        return []


def problem_text(problem: Mapping[str, Any]) -> str:
    """One of pydantic's problems with settings, as in ``hidden=0 is below 1``.

    Not in backquotes, in which the command line would take ``steps`` for the option of training.
    """
    name, wrong = ".".join(map(str, problem["loc"])), describe_problem(problem)
    if not name:
        return wrong
    if problem["type"] in ("extra_forbidden", "missing"):
        return f"{name} is {wrong}"
    # A validator of the prior writes a whole sentence.
    joined = ": " if problem["type"] == "value_error" else " is "
    return f"{name}={problem['input']}{joined}{wrong}"
