"""The body that makes a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict

from c2l import service
from c2l.service import SentDirection
from c2l.web.api.asked import Asked
from c2l.web.api.pictures import Noticed, noticed
from c2l.web.engine import Answer, Bench, Work

PICTURES = 200
"""That are drawn for a direction, about."""


class DirectionOut(Noticed):
    """A direction that was made.

    Args:
        direction: as requests take it.
        made: what it was made from.
        measures: ``seen``, how far strength 1 moves what the embedder sees; ``wanted``, how far
            apart the two kinds of pictures are; ``length``, of the move.
        generator: whose latents it moves.
    """

    direction: dict[str, Any]
    made: dict[str, Any]
    measures: dict[str, float]
    generator: str


class DirectionBody(Asked, SentDirection):
    """A direction, made from two prompts or from a component of the latent space."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"start": "a young person", "end": "an elderly person"}]}
    )
    kind: ClassVar[str] = "direction"

    def work(self) -> Work:
        fields = {name: getattr(self, name) for name in SentDirection.model_fields}
        return Directed(SentDirection(**fields), recipe=self.recipe or "", prior=self.prior or "")

    def answered(self, answer: Answer, milliseconds: float) -> DirectionOut:
        return DirectionOut(
            **answer.values,
            notices=noticed(answer),
            timings={"total": round(milliseconds, 2)},
        )


@dataclass(frozen=True)
class Directed(Work):
    """A direction: ``values`` are the fields of ``DirectionOut``."""

    sent: SentDirection

    @property
    def weight(self) -> int:
        return PICTURES

    def carry_out(self, bench: Bench) -> Answer:
        found = service.find_direction(
            bench.pipeline, self.sent, tell=bench.session.tell, on_progress=bench.report
        )
        along = found.along.model_dump(mode="json", exclude_none=True)
        return bench.answer(
            direction={"along": along, "name": found.card.name},
            made=dict(found.card.made),
            measures=dict(found.card.measures),
            generator=found.card.generator.reference,
        )
