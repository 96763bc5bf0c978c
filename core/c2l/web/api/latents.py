"""The bodies that take latents and give them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from c2l import service
from c2l.service import SentEnd, SentPrompt
from c2l.web.api.asked import Asked, Base64
from c2l.web.api.drawing import DrawFields, request_of
from c2l.web.api.edits import EditBody, SomeEnds
from c2l.web.api.pictures import LatentsOut, Noticed, noticed, timings
from c2l.web.engine import Answer, Bench, Draw, Work
from c2l.web.errors import ApiError

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.sampling.operations import GivenLatents

Shape = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=3)]
_ZEROS: JsonDict = {"shape": [1, 1, 2], "data": "AAAAAAAAAAA="}


class LatentsIn(BaseModel):
    """Latents: numbers with their shape, or a safetensors file.

    Args:
        shape: (B, K, D); or (K, D) of one picture.
        data: float32, little-endian, row by row, in base64.
        safetensors: a file whose ``latents`` they are, in base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: Shape | None = None
    data: Base64 | None = None
    safetensors: Base64 | None = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        numbers = self.shape is not None, self.data is not None
        if (self.safetensors is not None) == any(numbers) or any(numbers) != all(numbers):
            raise ValueError("give `shape` and `data`, or `safetensors`")
        return self

    def given(self) -> list[GivenLatents]:
        """Those of each picture. Raises ``BadInput``."""
        if self.safetensors is not None:
            file = service.bytes_of(self.safetensors, field="safetensors")
            return service.latents_in_file(file)
        data = service.bytes_of(self.data or "", field="data")
        return service.sent_latents(self.shape or (), data)


class SynthesizeBody(EditBody):
    """Pictures of latents.

    Args:
        prompt: what the pictures are scored by; it does not draw.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"latents": _ZEROS}]})
    kind: ClassVar[str] = "synthesize"
    counted_by: ClassVar[str] = "latents"

    latents: LatentsIn
    prompt: SentPrompt | None = None

    @property
    def num_pictures(self) -> int:
        return len(self.operations)

    @cached_property
    def operations(self) -> list[GivenLatents]:
        """The latents of each picture. Raises ``BadInput``."""
        return self.latents.given()

    @property
    def scored_by(self) -> dict[str, float] | None:
        return None if self.prompt is None else request_of(self.prompt).prompts[0]

    def edit(self, bench: Bench) -> Edit:
        return bench.pipeline.edit(*self.operations, truncation=self.truncation)


class LatentsAnswer(Noticed):
    """Latents of all pictures, (B, K, D).

    Args:
        seeds: of each.
    """

    latents: LatentsOut
    seeds: list[int]


class LatentsBody(Asked, DrawFields):
    """The latents of prompts or of pictures.

    Args:
        of: pictures, instead of prompts.
        format: safetensors is a file, as ``c2l sample latents=FILE`` writes it.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"prompt": "a happy man", "num_images": 2, "seed": 7}]}
    )
    kind: ClassVar[str] = "latents"

    of: SomeEnds | None = None
    format: Literal["json", "safetensors"] = "json"

    def work(self) -> Work:
        asks = any(getattr(self, n) is not None for n in ("prompt", "prompts", "latents"))
        if self.of is not None and asks:
            raise ApiError(400, "`of` stands in the place of prompts: give one of them",
                           param="of", code="bad_input")  # fmt: skip
        if self.of is None:
            return Draw(self.draw_request(), recipe=self.recipe or "", prior=self.prior or "")
        return EndsOnly(of=self.of, recipe=self.recipe, prior=self.prior).work()

    def answered(self, answer: Answer, milliseconds: float) -> LatentsAnswer:
        latents = service.stacked(answer.pictures)
        repeats = answer.pictures[0].latents.repeats
        return LatentsAnswer(
            latents=LatentsOut(
                shape=list(latents.shape),
                data=base64.b64encode(latents.numpy().astype("<f4").tobytes()).decode(),
                repeats=None if repeats is None else list(repeats),
            ),
            seeds=[picture.seed for picture in answer.pictures],
            notices=noticed(answer),
            timings=timings(answer.pictures, total=milliseconds),
        )


class EndsOnly(EditBody):
    """Pictures as they are."""

    counted_by: ClassVar[str] = "of"

    of: SomeEnds

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.of

    @property
    def num_pictures(self) -> int:
        return len(self.of)

    def edit(self, bench: Bench) -> Edit:
        return self.opened(bench, *self.of).edit()
