"""Pictures that are to be drawn: operations, and the pipeline that draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2l.editing.apply import latents_of
from c2l.editing.directions.adhering import Adhered, adhere
from c2l.editing.directions.direction import Direction
from c2l.editing.directions.files import check_generator
from c2l.editing.directions.measuring import OnProgress
from c2l.editing.drawing import seed_of
from c2l.editing.ends import end_of, one_truncation
from c2l.editing.layers import check_layers, parse_layers
from c2l.editing.video import Video, write_edit
from c2l.errors import BadInput
from c2l.files import at_home
from c2l.images import free_stem, write_numbered
from c2l.ranges import MOST_SEED
from c2l.sampling.operations import HINTS, Mix, Operation, Vary
from c2l.validation import bad_input

if TYPE_CHECKING:
    from c2l.editing.ends import Thing
    from c2l.pipeline import Pipeline
    from c2l.result import Picture, Result


class Edit:
    """Pictures that are to be drawn, each by an operation on latents.

    Nothing is computed before it is drawn: by ``draw``, by ``save``, by a notebook that shows it,
    or picture by picture, by going through it. ``vary`` and ``mix`` give further edits.

    Args:
        pipeline: draws them.
        operations: one for each picture.
        truncation: of all pictures; None for the pipeline's own.
        name: of files, as in ``NAME-01.png``.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        operations: Sequence[Operation],
        *,
        truncation: float | None = None,
        name: str = "edit",
    ) -> None:
        self.pipeline = pipeline
        self._operations = tuple(operations)
        self.truncation = truncation
        self.name = name

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What makes the latents of each picture."""
        return self._operations

    def __len__(self) -> int:
        return len(self._operations)

    def __iter__(self) -> Iterator[Picture]:
        """Draw one picture after the other; memory does not grow with their number."""
        for some in self.pipeline.draw_operations(self.operations, truncation=self.truncation):
            yield from some

    def draw(self) -> Result:
        """Draw all pictures; called again, it returns the same result."""
        return self._drawn

    @cached_property
    def _drawn(self) -> Result:
        some = list(self.pipeline.draw_operations(self.operations, truncation=self.truncation))
        return type(some[0]).joined(some)

    def save(self, folder: Path | str) -> list[Path]:
        """Draw all pictures into a folder, a PNG each: ``NAME-01.png`` and so on.

        Nothing is overwritten.

        Raises:
            NotWritable: the folder cannot be written.
        """
        drawn = self.__dict__.get("_drawn", self)
        folder = at_home(Path(folder))
        written = write_numbered(folder, free_stem(folder, self.name), drawn, len(self))
        return [path for _, path in written]

    def video(self, path: Path | str, **how: Any) -> Video:
        """Draw all pictures into a video, frame by frame.

        Args:
            path: a .mp4 or .webm, which need the extra ``c2l[video]``; a .webp or a .gif.
            how: ``fps`` (30), ``easing`` (linear, smooth, in or out), ``ping_pong``, ``sound`` (a
                file that moves the video by its loudness), and ``on_frame``.
        Raises:
            MissingDependency, NotWritable, VideoInterrupted: a video of what was drawn is there
                after Ctrl-C, and on a full disk.
        """
        return write_edit(self, path, **how)

    def vary(self, amount: float, *, num: int = 1, seed: int | None = None) -> Edit:
        """Neighbours of each picture.

        Args:
            amount: how far away, from 0, the same picture, to 1, a fresh sample of what it shows.
            num: neighbours of each.
            seed: of the first of them, the next ones follow; by default one above the picture's.
        """
        if num < 1:
            raise BadInput(f"`num={num}` is below 1", hint="Use `num=1` or more", field="num")
        with bad_input(HINTS):
            varied = [
                Vary(base=base, amount=amount, seed=(first + i) % (MOST_SEED + 1))
                for base in self.operations
                for first in [seed_of(base) + 1 if seed is None else seed]
                for i in range(num)
            ]
        return self._next(varied, f"{self.name}-varied")

    def mix(
        self, other: Thing | Edit, *, layers: str | Sequence[int], share: float | None = None
    ) -> Edit:
        """Each picture with some layers of another one.

        Args:
            other: a picture, a path, a prompt, a seed or latents; or an edit of one picture, or of
                as many as this one has.
            layers: counted from 0, the coarsest: ``0-3,7``, with shares as in ``0-3,7:0.5``; or
                numbers.
            share: how much of the other one where ``layers`` do not say it; None for all.
        Raises:
            BadInput: the generator does not have these layers.
            IncompatibleParts: the other picture is of another generator.
        """
        chosen, shares = parse_layers(layers, 1.0 if share is None else share)
        check_layers(self.pipeline.generator, chosen)
        if isinstance(other, Edit):
            others = list(other.operations) * (len(self) if len(other) == 1 else 1)
        else:
            others = [end_of(self.pipeline, other).operation] * len(self)
        if len(others) != len(self):
            raise BadInput(f"{len(self)} pictures cannot be mixed with {len(others)}", field="ends")
        with bad_input(HINTS):
            mixed = [
                Mix(base=base, other=o, layers=chosen, share=shares)
                for base, o in zip(self.operations, others, strict=True)
            ]
        return self._next(mixed, f"{self.name}-mixed")

    def move(self, direction: Direction, strength: float | Sequence[float] = 1.0) -> Edit:
        """Each picture moved along a direction.

        Args:
            direction: as ``pipeline.direction`` gives it.
            strength: 1 shows the thing as pictures of it do, -1 the contrary; or several, for as
                many pictures of each.
        Raises:
            BadInput: a strength out of range.
            IncompatibleParts: the direction is of another generator.
        """
        check_generator(direction, self.pipeline.generator, "this direction")
        several = [strength] if isinstance(strength, (int, float)) else list(strength)
        with bad_input(HINTS):
            moved = [direction.of(base, s) for base in self.operations for s in several]
        return self._next(moved, f"{self.name}-moved")

    def adhere(
        self,
        to: str,
        *,
        start: str | None = None,
        seed: int = 0,
        on_progress: OnProgress = lambda done, num: None,
    ) -> Adhering:
        """Each picture with the smallest move that makes it show one more thing.

        The moves are found when they are drawn: by drawing each picture a few dozen times.

        Args:
            to: what is to be shown, as in ``with sunglasses``.
            start: what is shown instead of it, if that is known.
            on_progress: called with the number of moves that are found, and of all.
        """
        return Adhering(self, to, start=start, seed=seed, on_progress=on_progress)

    def _next(self, operations: Sequence[Operation], name: str) -> Edit:
        return Edit(self.pipeline, operations, truncation=self.truncation, name=name)

    def __repr__(self) -> str:
        pictures = "1 picture" if len(self) == 1 else f"{len(self)} pictures"
        state = "drawn" if "_drawn" in self.__dict__ else "to be drawn"
        return f"{type(self).__name__}({pictures}, {state})"

    def _repr_html_(self) -> str | None:
        return self.draw()._repr_html_()


class Adhering(Edit):
    """Pictures that are to show one more thing, by the smallest move of each.

    Args:
        edit: the pictures.
        to, start, seed, on_progress: as in ``Edit.adhere``.
    """

    def __init__(
        self, edit: Edit, to: str, *, start: str | None, seed: int, on_progress: OnProgress
    ) -> None:
        name = f"{edit.name}-adhering"
        super().__init__(edit.pipeline, edit.operations, truncation=edit.truncation, name=name)
        self.to = to
        self.start = start
        self.seed = seed
        self._on_progress = on_progress

    @cached_property
    def found(self) -> tuple[Adhered, ...]:
        """The move of each picture, and how clearly the thing is shown before and after.

        Raises:
            BadInput: the embedder cannot tell ``to`` from ``start``.
        """
        return tuple(
            adhere(
                self.pipeline,
                latents_of(self.pipeline, *self._operations),
                self.to,
                start=self.start,
                truncation=self.pipeline.truncation(self.truncation),
                seed=self.seed,
                on_progress=self._on_progress,
            )
        )

    @property
    def operations(self) -> tuple[Operation, ...]:
        pairs = zip(self._operations, self.found, strict=True)
        return tuple(found.direction.of(base) for base, found in pairs)


def edit_of(
    pipeline: Pipeline,
    things: Sequence[Thing],
    *,
    truncation: float | None = None,
    seed: int = 0,
    **how: Any,
) -> Edit:
    """Pictures, prompts, seeds or latents as an edit of as many pictures: see ``end_of``."""
    if not things:
        raise BadInput("there is nothing to edit", hint="Give a picture or a prompt", field="ends")
    ends = [end_of(pipeline, thing, seed=seed, **how) for thing in things]
    operations = [end.operation for end in ends]
    return Edit(pipeline, operations, truncation=one_truncation(ends, truncation))
