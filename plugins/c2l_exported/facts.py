"""What cannot be seen in an exported file is said by a TOML beside it: ``g.onnx.toml``.

Everything has a default or is found out by trying: a TOML is needed only where an error asks for
one.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from c2l.errors import BadInput
from c2l.ranges import Count, Positive

Finite = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0)]
Shape = Annotated[tuple[Count, ...], Field(min_length=1, max_length=3)]


class Facts(BaseModel):
    """The keys of the TOML.

    Args:
        latent: the name of the input that is the latent.
        latent_shape: its shape without the batch, as in ``[100, 1, 1]``.
        distribution: of its numbers.
        mean, std: of a normal distribution, one number or one for each of the latent's.
        cut: how many deviations from the mean a truncated one ends.
        between: lowest and highest number of a uniform one.
        labels: how many classes an input of labels knows.
        label: the one class to draw; every picture draws its own otherwise.
        noise: shapes of inputs that are noise, by name, without the batch.
        inputs: the numbers to give to other inputs, by name.
        output: the number of the output that is the picture, counted from 0.
        layout: where the channels of pictures are.
        value_range: the numbers of black and white.
        batch_size: the only number of pictures that the network draws at once.
        licence: of the weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    latent: str | None = None
    latent_shape: Shape | None = None
    distribution: Literal["normal", "truncated", "uniform"] = "normal"
    mean: Finite | tuple[Finite, ...] = 0.0
    std: Positive | tuple[Positive, ...] = 1.0
    cut: Positive = 2.0
    between: tuple[Finite, Finite] = (-1.0, 1.0)
    labels: Count | None = None
    label: Index | None = None
    noise: dict[str, Shape] = {}
    inputs: dict[str, Finite] = {}
    output: Index | None = None
    layout: Literal["channels-first", "channels-last"] | None = None
    value_range: tuple[Finite, Finite] | None = None
    batch_size: Count | None = None
    licence: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("between", "value_range"):
            low_high = getattr(self, name)
            if low_high is not None and not low_high[0] < low_high[1]:
                raise ValueError(f"{name} begins with the lower number")
        if self.label is not None and self.labels is not None and self.label >= self.labels:
            raise ValueError(f"label is below labels, which is {self.labels}")
        return self

    def deciding(self) -> dict[str, Any]:
        """Those that decide pictures, JSON-able; what was left out is not in it."""
        return self.model_dump(mode="json", exclude_unset=True, exclude={"licence"})


def facts_file(path: Path) -> Path:
    """Where the TOML of an exported file is."""
    return path.with_name(path.name + ".toml")


def read_facts(path: Path) -> Facts:
    """The facts of an exported file; all defaults where there is no TOML.

    Raises:
        BadInput: the TOML cannot be read, or says what it may not.
    """
    file = facts_file(path)
    try:
        table = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return Facts()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot read {file}: {reason}", hint="See https://toml.io") from error
    try:
        return Facts(**table)
    except ValidationError as error:
        wrong = "; ".join(_problem(dict(item)) for item in error.errors())
        keys = ", ".join(Facts.model_fields)
        raise BadInput(f"{file}: {wrong}", hint=f"The keys are {keys}") from error


def _problem(item: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"][:2] if not str(part).startswith("function"))
    if item["type"] == "extra_forbidden":
        return f"{key} is not a key of it"
    said = str(item["msg"]).removeprefix("Value error, ")
    said = said.removeprefix("Input should be ").strip()
    return f"{key} must be {said}" if key else said
