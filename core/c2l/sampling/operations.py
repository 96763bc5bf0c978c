"""Operations on latents as data: a tree that a request and a record can hold.

``c2l.editing`` carries them out. A picture of a prompt needs none.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeGuard

import numpy as np
import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from c2l.ranges import (
    MOST_STRENGTH,
    Adherence,
    ClassLabel,
    Guidance,
    Seed,
    Share,
    Steps,
    Strength,
)
from c2l.sample_options import NegativeBy
from c2l.sampling.texts import Blend

Path = Literal["linear", "slerp", "prior"]

HINTS: Mapping[str, str] = {
    "amount": "Use `amount` from 0, the same, to 1, a fresh sample",
    "layers": "Layers are counted from 0, the coarsest",
    "strength": f"Use `strength` from -{MOST_STRENGTH} to {MOST_STRENGTH}",
}
"""What to do about a value out of range."""

MOST_NESTED = 32
"""Levels of operations within each other."""


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def packed(numbers: Tensor) -> str:
    """Numbers as float32, little-endian, base64."""
    data = numbers.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes()
    return base64.b64encode(data).decode()


def unpacked(data: str) -> Tensor:
    """What ``packed`` gave, in one row."""
    numbers = np.frombuffer(base64.b64decode(data), dtype="<f4").astype(np.float32)
    return torch.from_numpy(numbers)


def _checked_numbers(data: str) -> str:
    try:
        length = len(base64.b64decode(data, validate=True))
    except ValueError:
        raise ValueError("it is not base64") from None
    if not length or length % 4:
        raise ValueError("it is not numbers of float32")
    return data


class _Operation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SampleLatents(_Operation):
    """Latents that the prior samples for a prompt."""

    op: Literal["sample"] = "sample"
    prompt: Blend
    seed: Seed
    negative: Blend | None = None
    negative_by: NegativeBy | None = None
    guidance: Guidance | None = None
    steps: Steps | None = None
    adherence: Adherence | None = None
    class_label: ClassLabel | None = None


class PhotoLatents(_Operation):
    """Latents that the prior samples for a picture of any origin: an image prompt.

    Args:
        photo: the sha256 of the picture's file.
        embedding: of it, by the embedder: float32, little-endian, base64.
        prompt: what to blend it with.
        weight: of the picture, if there is a prompt: 0 is the prompt, 1 the picture.
    """

    op: Literal["photo"] = "photo"
    photo: Sha256
    embedding: Annotated[str, AfterValidator(lambda data: _checked_numbers(data))]
    seed: Seed
    prompt: Blend | None = None
    weight: Share = 0.5
    negative: Blend | None = None
    negative_by: NegativeBy | None = None
    guidance: Guidance | None = None
    steps: Steps | None = None
    adherence: Adherence | None = None
    class_label: ClassLabel | None = None


class RandomLatents(_Operation):
    """Latents from the generator's own distribution, of one class or of any."""

    op: Literal["random"] = "random"
    seed: Seed
    class_label: ClassLabel | None = None


class GivenLatents(_Operation):
    """Latents as numbers: float32, little-endian, base64, of shape (K, D).

    Args:
        repeats: how many layers each of the K codes feeds; None for the generator's own.
        photo: the sha256 of the picture file that they were found for.
    """

    op: Literal["given"] = "given"
    shape: tuple[int, int]
    data: str
    repeats: tuple[int, ...] | None = None
    photo: Sha256 | None = None

    @classmethod
    def of(
        cls, latents: Tensor, repeats: tuple[int, ...] | None = None, photo: str | None = None
    ) -> GivenLatents:
        """Latents of one picture, (K, D)."""
        num_codes, width = latents.shape
        return cls(shape=(num_codes, width), data=packed(latents), repeats=repeats, photo=photo)

    @model_validator(mode="after")
    def _whole(self) -> GivenLatents:
        try:
            length = len(base64.b64decode(self.data, validate=True))
        except ValueError:
            raise ValueError("the latents' data is not base64") from None
        if min(self.shape) < 1 or length != 4 * math.prod(self.shape):
            raise ValueError(f"the latents' data is not {self.shape} numbers of float32")
        return self

    def tensor(self) -> Tensor:
        """float32, (K, D)."""
        return unpacked(self.data).reshape(self.shape)


class Interpolate(_Operation):
    """A point between two latents: 0 is ``start``, 1 is ``end``.

    Args:
        path: ``linear`` and ``slerp`` go through the latent space; ``prior`` goes from one noise
            and embedding to the other, between two ``sample``s that differ in nothing but prompt
            and seed.
    """

    op: Literal["interpolate"] = "interpolate"
    start: Operation
    end: Operation
    at: Annotated[float, Field(allow_inf_nan=False)]
    path: Path = "linear"

    @model_validator(mode="after")
    def _has_a_way(self) -> Interpolate:
        if self.path == "prior":
            if why := why_not_through_the_prior(self.start, self.end):
                raise ValueError(f"there is no way through the prior: {why}")
            if not 0 <= self.at <= 1:
                raise ValueError(f"a way through the prior ends at 1, and {self.at} is beyond it")
        return self


class Mix(_Operation):
    """Some layers of one picture taken from another: style mixing.

    Args:
        layers: which layers come from ``other``, counted from 0, the coarsest.
        share: how much of them: 1 is all; or a number for each of ``layers``.
    """

    op: Literal["mix"] = "mix"
    base: Operation
    other: Operation
    layers: tuple[Annotated[int, Field(ge=0)], ...]
    share: Share | tuple[Share, ...] = 1.0

    @model_validator(mode="after")
    def _has_as_many_shares(self) -> Mix:
        if isinstance(self.share, tuple) and len(self.share) != len(self.layers):
            raise ValueError(f"{len(self.layers)} layers cannot have {len(self.share)} shares")
        return self


class Vary(_Operation):
    """A neighbour: latents that get noise, part of the way, and are sampled again by the prior.

    A ``sample`` is sampled again for its own prompt, anything else for what its picture shows.

    Args:
        amount: 0 is ``base`` itself, 1 a fresh sample.
    """

    op: Literal["vary"] = "vary"
    base: Operation
    amount: Share
    seed: Seed


class Direct(_Operation):
    """Latents moved along a direction, whose numbers the operation holds.

    So it needs neither what the direction was made from nor a file.

    Args:
        along: what strength 1 adds.
        name: of the direction, as in ``a face -> a smiling face``.
        strength: how many times the direction is added; negative ones go the other way.
    """

    op: Literal["direction"] = "direction"
    base: Operation
    along: GivenLatents
    name: str = ""
    strength: Strength = 1.0


Operation = Annotated[
    SampleLatents | PhotoLatents | RandomLatents | GivenLatents | Interpolate | Mix | Vary | Direct,
    Field(discriminator="op"),
]

for _model in (Interpolate, Mix, Vary, Direct):
    _model.model_rebuild()


def is_operation(value: object) -> TypeGuard[Operation]:
    """Whether a value is an operation."""
    return isinstance(value, _Operation)


def inner(operation: Operation) -> list[Operation]:
    """The operations that an operation works on."""
    fields = type(operation).model_fields
    return [v for name in fields if isinstance(v := getattr(operation, name), _Operation)]  # type: ignore[misc]


def why_not_through_the_prior(start: Operation, end: Operation) -> str:
    """What keeps two operations from being ends of a way through the prior; empty if nothing."""
    if not (isinstance(start, SampleLatents) and isinstance(end, SampleLatents)):
        return "both ends have to be samples of prompts"
    ends = (start.model_dump(), end.model_dump())
    differ = [name for name in ends[0] if ends[0][name] != ends[1][name]]
    if others := [name for name in differ if name not in ("prompt", "seed")]:
        return f"its ends differ in {', '.join(f'`{name}`' for name in others)}"
    return ""


def depth(raw: Any) -> int:
    """How deep an operation in JSON is nested, up to one more than is allowed."""
    level, found = [raw], 0
    while level and found <= MOST_NESTED:
        level = [v for node in level if isinstance(node, dict) for v in node.values()
                 if isinstance(v, dict) and "op" in v]  # fmt: skip
        found += 1
    return found
