"""Pictures made from a picture that a client sends, by what foreign routes mean.

A PNG that c2l wrote holds the record of its latents, and those are edited. Of any other picture
its embedding is taken, as an image prompt: that is one pass through the embedder, where finding its
latents would take minutes.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from c2l import service
from c2l.errors import BadInput, BadPicture, IncompatibleParts
from c2l.service import DrawRequest, Notice
from c2l.web.engine import Answer, Bench, Work

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.result import Picture
    from c2l.service import Ends, Photo

_SEEDS_OF_A_MOVE = 16
"""How many seeds ``Edit.adhere`` may use: those of two pictures must not be the same."""

_PICTURES_OF_A_MOVE = 16
"""As many pictures are drawn to find a move, or more."""

_PLACES = 101
"""On the way from a picture to one of a prompt."""


@dataclass(frozen=True, eq=False)
class FromPicture(Work):
    """Pictures made from a picture.

    Args:
        photo: the picture.
        record: that it came with; None for pictures of any other origin.
        prompt: what it is to show; empty for what it shows.
        seeds: one for each picture.
        how: guidance and the like, as in ``DrawRequest``.
        truncation: None for that of the record.
    """

    photo: Photo
    record: Mapping[str, Any] | None
    prompt: str
    seeds: tuple[int, ...]
    how: Mapping[str, Any] = field(default_factory=dict)
    truncation: float | None = None

    @property
    def weight(self) -> int:
        return len(self.seeds)

    def pieces(self, most: int) -> Sequence[Work]:
        each = max(1, most * len(self.seeds) // self.weight)
        starts = range(0, len(self.seeds), each)
        return [replace(self, seeds=self.seeds[i : i + each]) for i in starts]

    def carry_out(self, bench: Bench) -> Answer:
        start = self._start(bench)
        if self.prompt:
            asked = DrawRequest(**{"prompts": [self.prompt], **self.how})
            for notice in service.notices_before(bench.pipeline, asked):
                bench.session.tell(notice)
        edits = (
            self._of_pixels(bench, seed) if start is None else self._of_latents(bench, start, seed)
            for seed in self.seeds
        )
        bench.report(0, len(self.seeds))
        pictures = bench.drawn(map(self._drawn, edits), len(self.seeds))
        named = [replace(p, seed=seed) for p, seed in zip(pictures, self.seeds, strict=True)]
        return bench.answer(named, made_from="pixels" if start is None else "record")

    def _drawn(self, edit: Edit) -> Picture:
        """The one picture of an edit, scored by the prompt."""
        prompt = {self.prompt: 1.0} if self.prompt else None
        (result,) = edit.pipeline.draw_operations(
            edit.operations, truncation=edit.truncation, prompt=prompt
        )
        return result[0]

    def _start(self, bench: Bench) -> Ends | None:
        """The picture by its latents; None where they are not known here."""
        if self.record is None:
            return None
        end = service.SentEnd(record=dict(self.record))
        try:
            return service.sent_ends(
                bench.pipeline, [end], tell=bench.session.tell, truncation=self.truncation
            )
        except (BadInput, BadPicture, IncompatibleParts) as error:
            text = f"the record in the picture is of no use here: {error.message}"
            bench.session.tell(Notice("weights", f"{text}; its pixels are taken instead"))
            return None

    @abc.abstractmethod
    def _of_latents(self, bench: Bench, start: Ends, seed: int) -> Edit:
        """One picture, made from one whose latents are known."""

    def _of_pixels(self, bench: Bench, seed: int) -> Edit:
        """One picture, made from what the pixels show."""
        return bench.pipeline.like(
            self.photo.image,
            self.prompt or None,
            weight=self.weight_of_picture,
            seed=seed,
            truncation=self.truncation,
            **self.how,
        )

    @property
    def weight_of_picture(self) -> float:
        """Of the picture against the prompt, where they are blended."""
        return 0.5


@dataclass(frozen=True, eq=False)
class Adhered(FromPicture):
    """The picture, changed as little as makes it show the prompt.

    Args:
        picture_weight: of a picture without a record, against the prompt: 0 to 1.
    """

    picture_weight: float = 0.5

    @property
    def weight(self) -> int:
        return len(self.seeds) * (1 if self.record is None else _PICTURES_OF_A_MOVE)

    @property
    def weight_of_picture(self) -> float:
        return self.picture_weight

    def _of_latents(self, bench: Bench, start: Ends, seed: int) -> Edit:
        first = seed * _SEEDS_OF_A_MOVE % 2**63
        return service.typed_adhere(bench.session, start, to=self.prompt, seed=first).edit


@dataclass(frozen=True, eq=False)
class Varied(FromPicture):
    """Neighbours of the picture; with a prompt, on the way to pictures of it.

    Args:
        amount: how far away: 0 is the picture, 1 a fresh one.
    """

    amount: float = 0.5

    @property
    def weight_of_picture(self) -> float:
        return 1 - self.amount

    def _of_latents(self, bench: Bench, start: Ends, seed: int) -> Edit:
        edit = start.edit()
        if not self.prompt:
            return edit.vary(self.amount, seed=seed)
        (begin,) = edit.operations
        (end,) = bench.pipeline.edit(self.prompt, seed=seed, **self.how).operations
        way = bench.pipeline.walk([begin, end], frames=_PLACES, spacing="path").operations
        at = way[round(self.amount * (_PLACES - 1))]
        return bench.pipeline.edit(at, truncation=edit.truncation)
