"""Directions as data: named by what they are made from, or by their numbers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from c2l.editing.directions import Direction, from_component, from_prompts
from c2l.editing.directions.measuring import OnProgress
from c2l.editing.edit import Edit
from c2l.errors import BadInput
from c2l.pipeline import Pipeline
from c2l.ranges import Strength
from c2l.sampling.operations import HINTS, Direct, GivenLatents, Operation
from c2l.service.directing import notice_of_short
from c2l.service.notices import Tell
from c2l.validation import FieldError, bad_input

MOST_KEPT = 64
"""Directions that a process remembers; each takes a second or so to make again."""

Words = Annotated[str, Field(min_length=1)]


class SentDirection(BaseModel):
    """A direction: ``start`` and ``end``, ``component``, or ``along``.

    Args:
        start, end: two prompts.
        component: of the latent space, counted from 0.
        keep: what should stay, each in words.
        along: its numbers, as an answer gave them; then ``name`` is what records call it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Words | None = None
    end: Words | None = None
    component: Annotated[int, Field(ge=0)] | None = None
    keep: Annotated[tuple[Words, ...], Field(max_length=8)] = ()
    along: GivenLatents | None = None
    name: Annotated[str, Field(max_length=1000)] = ""

    @model_validator(mode="after")
    def _is_made_in_one_way(self) -> Self:
        ways = [self.start is not None or self.end is not None, self.component is not None,
                self.along is not None]  # fmt: skip
        if sum(ways) != 1:
            raise FieldError(
                "a direction is named by `start` and `end`, by `component` or by `along`",
                hint="Give one of the three",
            )
        if ways[0] and (self.start is None or self.end is None):
            raise FieldError("`start` and `end` belong together", "start", hint="Give both")
        if self.along is not None and self.keep:
            raise FieldError(
                "`along` is a finished direction, which cannot be changed",
                "keep",
                hint="Leave out `keep`",
            )
        if self.name and self.along is None:
            raise FieldError("`name` is that of `along`", "name", hint="Leave it out")
        return self


class SentMove(BaseModel):
    """A direction, and how far to go along it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    direction: SentDirection
    strength: Strength = 1.0


def find_direction(
    pipeline: Pipeline, sent: SentDirection, *, tell: Tell, on_progress: OnProgress | None = None
) -> Direction:
    """The direction that is named by what it is made from: made, or still known.

    Args:
        tell: told if no strength of it shows as much as pictures of the thing do.
        on_progress: called as pictures are drawn for it; may raise to stop.
    Raises:
        BadInput: the embedder cannot tell the two prompts apart, or there is no such component.
    """
    found = _KNOWN.find(pipeline, sent, on_progress)
    notice = notice_of_short(found)
    if notice is not None:
        tell(notice)
    return found


def moved(
    pipeline: Pipeline,
    edit: Edit,
    moves: Sequence[SentMove],
    strengths: Sequence[float] | None = None,
    *,
    tell: Tell,
    on_progress: OnProgress | None = None,
) -> Edit:
    """Each picture of an edit, moved along all of the directions at once.

    Args:
        strengths: with a single move, a picture for each of them instead of its own.
        tell, on_progress: as in ``find_direction``.
    Raises:
        BadInput: as ``find_direction``, or the numbers of a direction do not fit the generator.
    """
    if strengths is not None and len(moves) != 1:
        raise BadInput(
            f"`strengths` are of one direction, and {len(moves)} are given",
            hint="Give each its `strength`",
            field="strengths",
        )
    own = [move.strength for move in moves]
    variants = [own] if strengths is None else [[strength] for strength in strengths]
    ways = [_way(pipeline, move.direction, tell, on_progress) for move in moves]
    operations = [_along(base, ways, variant) for base in edit.operations for variant in variants]
    return Edit(pipeline, operations, truncation=edit.truncation, name=f"{edit.name}-moved")


def _way(
    pipeline: Pipeline, sent: SentDirection, tell: Tell, on_progress: OnProgress | None
) -> tuple[GivenLatents, str]:
    """The numbers of a direction, and its name."""
    if sent.along is not None:
        _refuse_other_width(pipeline, sent.along)
        return sent.along, sent.name
    found = find_direction(pipeline, sent, tell=tell, on_progress=on_progress)
    return found.along, found.card.name


def _along(
    base: Operation, ways: Sequence[tuple[GivenLatents, str]], strengths: Sequence[float]
) -> Operation:
    with bad_input(HINTS):
        for (along, name), strength in zip(ways, strengths, strict=True):
            base = Direct(base=base, along=along, name=name, strength=strength)
    return base


def _refuse_other_width(pipeline: Pipeline, along: GivenLatents) -> None:
    width, own = along.shape[1], pipeline.generator.latent_space.width
    if width != own:
        raise BadInput(
            f"`along` moves latents of width {width}, and this generator's have {own}",
            hint="Make the direction anew with this recipe",
            field="along",
        )


class _Known:
    """The last directions that were made, of whichever generator."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Direction] = OrderedDict()
        self._access = Lock()

    def find(
        self, pipeline: Pipeline, sent: SentDirection, on_progress: OnProgress | None
    ) -> Direction:
        parts = pipeline.provenance["fingerprints"]
        key = (tuple(sorted(parts.items())), sent.start, sent.end, sent.component, sent.keep)
        with self._access:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _made(pipeline, sent, on_progress)
        with self._access:
            self._kept[key] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made


_KNOWN = _Known()


def _made(pipeline: Pipeline, sent: SentDirection, on_progress: OnProgress | None) -> Direction:
    if sent.component is not None:
        return from_component(pipeline, sent.component, keep=sent.keep, on_progress=on_progress)
    if sent.start is None or sent.end is None:
        raise BadInput("a direction is made from two prompts", hint="Give both", field="start")
    return from_prompts(pipeline, sent.start, sent.end, keep=sent.keep, on_progress=on_progress)
