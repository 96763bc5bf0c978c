"""The bodies of edits that begin with pictures, prompts, seeds or latents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from c2l import service
from c2l.service import SentEnd, SentMove
from c2l.web.api.drawing import Seed
from c2l.web.api.edits import EditBody, EndsBody, SomeEnds
from c2l.web.api.offered import MOST_FRAMES
from c2l.web.api.pictures import PicturesOut
from c2l.web.api.strips import StripOut, strip_of
from c2l.web.engine import Answer, Bench
from c2l.web.limits import check_number

if TYPE_CHECKING:
    from c2l.editing import Edit
    from c2l.web.settings import Limits

Share = Annotated[float, Field(ge=0, le=1)]
Layers = Annotated[str, Field(min_length=1, max_length=1_000)]
Words = Annotated[str, Field(min_length=1)]
Strength = Annotated[float, Field(ge=-100, le=100)]
Strengths = Annotated[list[Strength], Field(min_length=1, max_length=64)]

LOOKS = 3
"""Pictures that are drawn for a frame of a walk, to spread the frames evenly."""

ATTEMPTS = 24
"""Pictures that are drawn to find the smallest move that shows one more thing."""

_END = {"prompt": "a happy man", "seed": 7}


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class VaryBody(EditBody):
    """Neighbours of pictures.

    Args:
        amount: 0 is the picture itself, 1 a fresh sample.
        num: of each picture.
        seed: of the first neighbour; by default one above that of the picture.
    """

    model_config = _example(of=[_END], amount=0.4, num=2)
    kind: ClassVar[str] = "vary"

    of: SomeEnds
    amount: Share = 0.4
    num: Annotated[int, Field(ge=1)] = 8
    seed: Seed | None = None

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.of

    @property
    def num_pictures(self) -> int:
        return len(self.of) * self.num

    def edit(self, bench: Bench) -> Edit:
        ends = self.opened(bench, *self.of)
        return service.typed_vary(
            bench.session, ends, amount=self.amount, num=self.num, seed=self.seed
        ).edit


class MixBody(EditBody):
    """One picture with layers of another: a picture for each list of layers.

    Args:
        layers: counted from 0, the coarsest, as in ``0-3`` or ``0-3:0.5,7``.
        share: of layers that have none of their own.
    """

    model_config = _example(base=_END, other={"seed": 9}, layers=["0-3", "4-7"])
    kind: ClassVar[str] = "mix"
    counted_by: ClassVar[str] = "layers"

    base: SentEnd
    other: SentEnd
    layers: Layers | Annotated[list[Layers], Field(min_length=1, max_length=64)]
    share: Share | None = None

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.base, self.other

    @property
    def num_pictures(self) -> int:
        return 1 if isinstance(self.layers, str) else len(self.layers)

    def edit(self, bench: Bench) -> Edit:
        ends = self.opened(bench, self.base, self.other)
        layers = [self.layers] if isinstance(self.layers, str) else self.layers
        return service.typed_mix(bench.session, ends, layers=layers, share=self.share).edit


class WalkOut(PicturesOut):
    """The frames of a walk.

    Args:
        strip: all of them side by side, if that was asked for.
    """

    strip: StripOut | None


class WalkFields(EndsBody):
    """A walk through all ends.

    Args:
        frames: how many, those at the ends included.
        path: by default through the prior where that is possible, else ``slerp``.
        loop: whether it leads back to the first end.
        spacing: frames evenly spread by what is seen, or along the path.
    """

    counted_by: ClassVar[str] = "frames"

    ends: SomeEnds
    frames: Annotated[int, Field(ge=2, le=MOST_FRAMES)] = 24
    path: Literal["prior", "slerp", "linear"] | None = None
    loop: bool = False
    spacing: Literal["seen", "path"] = "seen"

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.ends

    @property
    def num_pictures(self) -> int:
        return self.frames

    @property
    def cost(self) -> int:
        return self.frames * (LOOKS if self.spacing == "seen" else 1)

    def check(self, limits: Limits) -> None:
        check_number(self.cost, limits.candidates, "frames", "pictures on the way")

    def edit(self, bench: Bench) -> Edit:
        return service.typed_walk(
            bench.session,
            self.opened(bench, *self.ends),
            frames=self.frames,
            path=self.path,
            loop=self.loop,
            spacing=self.spacing,
        ).edit


class WalkBody(WalkFields, EditBody):
    """A walk, as pictures.

    Args:
        strip: adds all frames side by side in one picture.
    """

    model_config = _example(ends=[_END, {"prompt": "a kid", "seed": 7}], frames=4, strip=True)
    kind: ClassVar[str] = "walk"

    strip: bool = False

    def answered(self, answer: Answer, milliseconds: float) -> WalkOut:
        told = super().answered(answer, milliseconds)
        strip = strip_of(answer.pictures, self) if self.strip else None
        return WalkOut(**dict(told), strip=strip)


class MoveBody(EditBody):
    """Pictures moved along directions.

    Args:
        moves: all of them at once.
        strengths: with one direction, a picture for each strength instead.
    """

    model_config = _example(
        of=[_END],
        moves=[{"direction": {"start": "a sad face", "end": "a smiling face"}, "strength": 0.7}],
    )
    kind: ClassVar[str] = "move"
    counted_by: ClassVar[str] = "strengths"

    of: SomeEnds
    moves: Annotated[list[SentMove], Field(min_length=1, max_length=12)]
    strengths: Strengths | None = None

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.of

    @property
    def num_pictures(self) -> int:
        return len(self.of) * len(self.strengths or (1,))

    def edit(self, bench: Bench) -> Edit:
        begin = self.opened(bench, *self.of).edit()
        tell = bench.session.tell
        return service.moved(
            bench.pipeline, begin, self.moves, self.strengths, tell=tell, on_progress=bench.report
        )


class AdhereBody(EditBody):
    """Pictures with the smallest move that makes them show one more thing.

    Args:
        to: what is to be shown.
        start: what is shown instead of it, if that is known.
    """

    model_config = _example(of=[_END], to="with sunglasses")
    kind: ClassVar[str] = "adhere"
    counted_by: ClassVar[str] = "of"

    of: SomeEnds
    to: Words
    start: Words | None = None

    @property
    def its_ends(self) -> Sequence[SentEnd]:
        return self.of

    @property
    def num_pictures(self) -> int:
        return len(self.of)

    @property
    def cost(self) -> int:
        return ATTEMPTS * len(self.of)

    def edit(self, bench: Bench) -> Edit:
        ends = self.opened(bench, *self.of)
        return service.typed_adhere(
            bench.session, ends, to=self.to, start=self.start, on_progress=bench.report
        ).edit
