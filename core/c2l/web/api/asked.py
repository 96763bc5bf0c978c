"""What can be asked: bodies of requests that say which work they are, and how it is answered."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from c2l.service import PictureFormat
from c2l.web.engine import Answer, Work

Name = Annotated[str, Field(max_length=200)]
A_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGOor68HAAL+AX6E2KOJAAAAAElFTkSuQmCC"
)
"""A picture for examples."""

Base64 = Annotated[str, Field(min_length=1, description="the bytes of a file, in base64")]


class Asked(BaseModel, abc.ABC):
    """A body that asks for something.

    Args:
        recipe: one that the server offers; by default its first.
        prior: another prior of the recipe that the server offers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[str]
    """Of jobs and of the live socket; the last part of its route."""

    recipe: Name | None = None
    prior: Name | None = None

    @abc.abstractmethod
    def work(self) -> Work:
        """The work that it asks for. Decodes pictures: call it in a thread.

        Raises:
            C2LError: a value cannot be used.
        """

    @abc.abstractmethod
    def answered(self, answer: Answer, milliseconds: float) -> BaseModel:
        """The answer as the client gets it. Encodes pictures: call it in a thread.

        Args:
            milliseconds: that the work took, waiting included.
        """


class Out(BaseModel):
    """How pictures are answered.

    Args:
        format: a PNG holds the record.
        quality: of JPEG and WebP.
        max_size: the longest side in pixels; larger pictures are made smaller.
        return_latents: adds the latents of each picture.
        images: false leaves the pixels out.
        preview: draws quickly: one candidate, and no gradient descent.
    """

    format: PictureFormat = "png"
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    max_size: Annotated[int, Field(ge=16, le=16_384)] | None = None
    return_latents: bool = False
    images: bool = True
    preview: bool = False


def checked(shape: type[Asked], raw: Any, where: Sequence[str] = ()) -> Asked:
    """A body from JSON.

    Args:
        where: it stands in the body of the request.
    Raises:
        RequestValidationError
    """
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        problems = [
            {**problem, "loc": ("body", *where, *problem["loc"])}
            for problem in error.errors(include_url=False)
        ]
        raise RequestValidationError(problems) from None
