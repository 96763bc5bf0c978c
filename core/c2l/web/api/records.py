"""The bodies that read records and draw them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from c2l import service
from c2l.service import DrawRequest, PlainPicture, Request
from c2l.web.api.asked import A_PIXEL, Asked, Base64, Out
from c2l.web.api.pictures import PicturesOut, answered_pictures
from c2l.web.engine import Answer, Bench, Work
from c2l.web.errors import ApiError
from c2l.web.limits import check_draw, check_number
from c2l.web.settings import Limits

MOST_RECORDS = 64


class RecordOut(BaseModel):
    """The record in a picture.

    Args:
        record: as it is in the PNG, in the present schema.
        request: what ``POST /sample`` takes to draw it again.
    """

    record: dict[str, Any]
    request: dict[str, Any]


class ReadBody(BaseModel):
    """A PNG with a record inside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"png": A_PIXEL}]}
    )

    png: Base64

    def record(self) -> RecordOut:
        """The record. Raises ``BadPicture``, ``BadInput``."""
        return record_out(service.bytes_of(self.png, field="png"))


def record_out(png: bytes) -> RecordOut:
    """The record in a PNG. Raises ``BadPicture``, ``BadInput``."""
    record = service.record_in(png)
    request = service.sent_record(record, "`png`").to_dict()
    for name in ("generator", "embedder", "fingerprints"):  # a recipe decides those
        request.pop(name, None)
    return RecordOut(record=record, request=request)


class RedrawBody(Asked, Out):
    """Pictures of records, drawn again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "records": [
                        {
                            "schema": "c2l/2",
                            "prompt": "a happy man",
                            "seed": 7,
                            "recipe": "demo-faces",
                        }
                    ]
                }
            ]
        }
    )
    kind: ClassVar[str] = "redraw"

    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_RECORDS)]

    def work(self) -> Work:
        requests = tuple(service.sent_record(record, "the record") for record in self.records)
        for request in requests:
            service.refuse_costly(request)
        if self.recipe is not None:
            recipe, prior = self.recipe, ""
        else:
            several = {(request.recipe or "", request.prior or "") for request in requests}
            if len(several) > 1:
                raise ApiError(400, "the records are of several recipes; send those of each alone",
                               param="records", code="bad_input")  # fmt: skip
            ((recipe, prior),) = several
        return Redrawn(requests, recipe=recipe, prior=self.prior or prior)

    def answered(self, answer: Answer, milliseconds: float) -> PicturesOut:
        return answered_pictures(answer, self, milliseconds)


@dataclass(frozen=True)
class Redrawn(Work):
    """Pictures that are drawn again, each by its own request."""

    requests: tuple[Request, ...]

    @property
    def weight(self) -> int:
        return sum(
            request.num_pictures * (request.most_candidates + (request.optimise or 0))
            for request in self.requests
        )

    def check(self, limits: Limits) -> None:
        check_number(self.weight, limits.candidates, "records", "pictures")
        for request in self.requests:
            check_draw(request, limits)

    def carry_out(self, bench: Bench) -> Answer:
        pictures: list[PlainPicture] = []
        for request in self.requests:
            fields = request.model_fields_set.intersection(DrawRequest.model_fields)
            asked = DrawRequest(**{name: getattr(request, name) for name in fields})
            again = bench.request(asked).replace(fingerprints=request.fingerprints)
            for picture in bench.session.draw(again):
                pictures.append(PlainPicture.of(picture))
            bench.report(len(pictures), len(self.requests), pictures[-1])
        return bench.answer(pictures)
