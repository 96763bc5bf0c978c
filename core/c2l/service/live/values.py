"""What a live picture is asked to show, as values of which any may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from c2l.errors import BadInput
from c2l.ranges import (
    MOST_GUIDANCE,
    MOST_SEED,
    MOST_STRENGTH,
    MOST_TRUNCATION,
    Adherence,
    ClassLabel,
    Guidance,
    Strength,
    Truncation,
)
from c2l.sampling.texts import Blend
from c2l.validation import FieldError, bad_input

MOST_GLIDE = 60
MOST_WALK = 10
LONGEST_PROMPT = 2000
"""Characters of all texts of a prompt."""

HINTS: Mapping[str, str] = {
    "prompt": "Give a text, or several with weights",
    "seed": "Give a number from 0 to 2**64 - 1",
    "guidance": f"Give a number from 0 to {MOST_GUIDANCE}",
    "adherence": "Give a number from 0 to 1",
    "class_label": "Give the name or the number of a class",
    "truncation": f"Give a number from -{MOST_TRUNCATION} to {MOST_TRUNCATION}",
    "directions": f"Give a number from -{MOST_STRENGTH} to {MOST_STRENGTH}",
    "glide": f"Give seconds from 0 to {MOST_GLIDE}",
    "walk": f"Give seeds a second, from -{MOST_WALK} to {MOST_WALK}",
}

Position = Annotated[int | float, Field(ge=0, le=MOST_SEED, allow_inf_nan=False)]
Glide = Annotated[float, Field(ge=0, le=MOST_GLIDE)]
Walk = Annotated[float, Field(ge=-MOST_WALK, le=MOST_WALK)]


class LiveValues(BaseModel):
    """What to show. None leaves a value to the recipe, or else to the prior.

    Args:
        prompt: texts with weights; None for the generator's own pictures.
        class_label: number or name of the class; None if the prompt chooses.
        seed: of the picture; 3.25 is a quarter of the way from seed 3 to seed 4.
        directions: how strong each direction is, by its name.
        glide: seconds from what is shown to what is asked for; 0 jumps.
        walk: how many seeds a second the picture walks on; below 0, back.
        cues: how often a seed was given; the walk begins anew with each.
    Raises:
        BadInput: naming every value that is out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: Blend | None = None
    seed: Position = 0
    guidance: Guidance | None = None
    adherence: Adherence | None = None
    class_label: ClassLabel | None = None
    truncation: Truncation | None = None
    directions: dict[str, Strength] = {}
    glide: Glide = 0.5
    walk: Walk = 0.0
    cues: int = 0

    def __init__(self, /, **values: Any) -> None:
        with bad_input(HINTS):
            super().__init__(**values)

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        length = sum(map(len, self.prompt or ()))
        if length > LONGEST_PROMPT:
            raise FieldError(f"{length:,} characters are too long for a prompt", "prompt",
                             hint=f"Give {LONGEST_PROMPT:,} at most")  # fmt: skip
        return self

    def changed(self, name: str, value: Any) -> Self:
        """These values with one of them changed.

        Raises:
            BadInput: it is out of range.
        """
        cues = self.cues + 1 if name == "seed" else self.cues
        return type(self)(**{**dict(self), name: value, "cues": cues})

    def turned(self, direction: str, strength: Any) -> Self:
        """These values with another strength of one of the directions they name.

        Raises:
            BadInput: there is no such direction, or the strength is out of range.
        """
        if direction not in self.directions:
            names = ", ".join(self.directions) or "none"
            raise BadInput(
                f"there is no direction '{direction}'", hint=f"Here: {names}", field="directions"
            )
        return self.changed("directions", {**self.directions, direction: strength})
