"""Edits as works: each body says which operations on latents it is, and they are drawn alike."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from c2l import service
from c2l.service import SentEnd
from c2l.web.api.asked import Asked, Out
from c2l.web.api.drawing import Truncation
from c2l.web.api.pictures import PicturesOut, answered_pictures
from c2l.web.engine import Answer, Bench, Work
from c2l.web.limits import check_number

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.service import Ends
    from c2l.web.settings import Limits

MOST_ENDS = 64
SomeEnds = Annotated[list[SentEnd], Field(min_length=1, max_length=MOST_ENDS)]


class EndsBody(Asked):
    """A body that asks for an edit, whatever is made of its pictures.

    Args:
        truncation: of all pictures; by default that of the pictures it begins with.
    """

    truncation: Truncation | None = None

    counted_by: ClassVar[str] = "num"
    """The field that says how many pictures come of it."""

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        """What it begins with."""
        return ()

    @property
    @abc.abstractmethod
    def num_pictures(self) -> int:
        """How many pictures come of it."""

    @property
    def cost(self) -> int:
        """How many pictures are drawn for it."""
        return self.num_pictures

    def check(self, limits: Limits) -> None:
        """Refuse what is too much for one request. Raises ``BadInput``."""
        check_number(self.num_pictures, limits.pictures, self.counted_by, "pictures")
        check_number(self.cost, limits.candidates, self.counted_by, "pictures on the way")

    @abc.abstractmethod
    def edit(self, bench: Bench) -> Edit:
        """The pictures to be drawn. Raises ``C2LError``."""

    def opened(self, bench: Bench, *ends: SentEnd) -> Ends:
        """Ends, for the edit."""
        return service.sent_ends(
            bench.pipeline, ends, tell=bench.session.tell, truncation=self.truncation
        )

    def parts(self) -> dict[str, str]:
        """The recipe and the prior: those that are named, or else those of the first record.

        Raises:
            BadPicture, BadInput: a record makes no sense.
        """
        recipe, prior = service.parts_of_ends(self.its_ends)
        if self.recipe is not None:
            recipe, prior = self.recipe, ""
        return {"recipe": recipe, "prior": self.prior or prior}

    def settled(self) -> Self:
        """The same body, with a random seed for each prompt without one."""
        changes: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SentEnd):
                changes[name] = value.settled()
            elif isinstance(value, list) and value and isinstance(value[0], SentEnd):
                changes[name] = [end.settled() for end in value]
        return self.model_copy(update=changes)


class EditBody(EndsBody, Out):
    """A body that asks for the pictures of an edit."""

    @property
    def scored_by(self) -> dict[str, float] | None:
        """The prompt that its pictures are scored by."""
        return None

    def work(self) -> Work:
        return Edited(self.settled(), **self.parts())

    def answered(self, answer: Answer, milliseconds: float) -> PicturesOut:
        return answered_pictures(answer, self, milliseconds)


@dataclass(frozen=True)
class Edited(Work):
    """The pictures of an edit."""

    body: EditBody

    @property
    def weight(self) -> int:
        return self.body.cost

    def check(self, limits: Limits) -> None:
        self.body.check(limits)

    def carry_out(self, bench: Bench) -> Answer:
        bench.report(0, self.body.num_pictures)
        edit = self.body.edit(bench)
        results = bench.pipeline.draw_operations(
            edit.operations, truncation=edit.truncation, prompt=self.body.scored_by
        )
        pictures = (picture for result in results for picture in result)
        return bench.answer(bench.drawn(pictures, len(edit)))
