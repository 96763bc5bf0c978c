"""What an edit begins with, as data: a record, a PNG, a prompt, a seed or latents."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from c2l.editing.ends import End, end_of, end_of_record
from c2l.pipeline import Pipeline
from c2l.ranges import Adherence, ClassLabel, Guidance, Seed, Steps
from c2l.sample_options import NegativeBy
from c2l.sampling.operations import GivenLatents
from c2l.sampling.record import upgraded
from c2l.sampling.request import DrawRequest
from c2l.service.edit_ends import Ends
from c2l.service.notices import Tell, notices_before
from c2l.service.sent.costs import refuse_costly
from c2l.service.sent.parts import sent_record
from c2l.service.sent.pictures import bytes_of, record_in
from c2l.validation import FieldError

WHERE = "the record"

Text = Annotated[str, Field(min_length=1)]
SentPrompt = Text | dict[Text, Annotated[float, Field(json_schema_extra={"exclusiveMinimum": 0})]]
"""A text, or several with weights; what is wrong with one, the request says (``Blend``)."""


class SentHow(BaseModel):
    """How prompts are sampled: as in ``Request``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    guidance: Guidance | None = None
    steps: Steps | None = None
    adherence: Adherence | None = None
    class_label: ClassLabel | None = None
    negative: str | dict[Text, Annotated[float, Field(gt=0)]] | None = None
    negative_by: NegativeBy | None = None

    @property
    def how(self) -> dict[str, Any]:
        """The values that are set."""
        names = SentHow.model_fields
        return {n: value for n in names if (value := getattr(self, n)) is not None}


class SentLatents(BaseModel):
    """Latents of one picture: float32, little-endian, row by row, in base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    data: str


class SentEnd(SentHow):
    """Exactly one of: a record, a PNG with one inside, a prompt, latents; or a seed alone.

    Args:
        record: of an earlier picture.
        png: in base64.
        prompt: with a ``seed``, or a random one, and with guidance and the like.
        seed: of the prompt; alone, of the generator's own picture, which may have a class.
        latents: of one picture.
    """

    record: dict[str, Any] | None = None
    png: Text | None = None
    prompt: SentPrompt | None = None
    seed: Seed | None = None
    latents: SentLatents | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        given = [n for n in ("record", "png", "prompt", "latents") if getattr(self, n) is not None]
        if len(given) > 1 or not (given or self.seed is not None):
            found = " and ".join(f"`{name}`" for name in given) or "none of them"
            raise FieldError(
                f"one of `record`, `png`, `prompt`, `latents` and `seed` is needed, not {found}",
                hint="Give one",
            )
        told = self.how.keys() - ({"class_label"} if not given else set())
        if given != ["prompt"] and (told or (given and self.seed is not None)):
            raise FieldError(
                "`seed`, `guidance` and the like are of prompts", hint="Leave them out"
            )
        return self

    @cached_property
    def its_record(self) -> Mapping[str, Any] | None:
        """The record that is given, or that is in the PNG, in the present schema.

        Raises:
            BadPicture, BadInput: there is none, or it is of another kind.
        """
        if self.png is not None:
            return record_in(bytes_of(self.png, field="png"))
        return None if self.record is None else upgraded(self.record, WHERE)

    def settled(self) -> Self:
        """The same end, with a random seed if it is a prompt without one."""
        if self.prompt is None or self.seed is not None:
            return self
        return self.model_copy(update={"seed": random_seed()})


def random_seed() -> int:
    """A seed for what was asked for without one, short enough to be typed."""
    return secrets.randbelow(1_000_000)


def parts_of_ends(ends: Sequence[SentEnd]) -> tuple[str, str]:
    """The recipe and prior of the first record among ends that names any; or empty texts.

    Raises:
        BadPicture, BadInput: a record makes no sense, or names a file.
    """
    records = [record for end in ends if (record := end.its_record) is not None]
    requests = [sent_record(record, WHERE) for record in records]
    return next(((r.recipe, r.prior or "") for r in requests if r.recipe), ("", ""))


def sent_ends(
    pipeline: Pipeline, ends: Sequence[SentEnd], *, tell: Tell, truncation: float | None = None
) -> Ends:
    """Ends that were sent, for the pipeline that draws them.

    Args:
        tell: told what the prompts among them cannot mean.
        truncation: None for that of the records.
    Raises:
        BadInput, BadPicture, IncompatibleParts.
    """
    found = [_end(pipeline, end, tell) for end in ends]
    return Ends(pipeline, found, [0] * len(found), {}, truncation)


def _end(pipeline: Pipeline, end: SentEnd, tell: Tell) -> End:
    record = end.its_record
    if record is not None:
        refuse_costly(sent_record(record, WHERE))
        return end_of_record(pipeline, record, WHERE)
    if end.prompt is not None:
        asked: dict[str, Any] = {"prompts": [end.prompt], **end.how}
        request = DrawRequest(**asked)
        refuse_costly(request)
        for notice in notices_before(pipeline, request):
            tell(notice)
        return end_of(pipeline, end.prompt, seed=end.settled().seed or 0, **end.how)
    if end.latents is not None:
        return End(GivenLatents(shape=end.latents.shape, data=end.latents.data))
    assert end.seed is not None
    return end_of(pipeline, end.seed, **end.how)
