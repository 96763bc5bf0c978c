"""Walks from picture to picture, in frames that are seen to change by equal amounts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor

from c2l.budgets import FRAMES
from c2l.editing.apply import latents_of
from c2l.editing.edit import Edit
from c2l.editing.ends import end_of, one_truncation
from c2l.editing.evenly import Track, shared_out
from c2l.errors import BadInput
from c2l.sampling.operations import Interpolate, Operation, Path, why_not_through_the_prior
from c2l.sampling.request import DrawRequest

if TYPE_CHECKING:
    from c2l.editing.ends import Thing
    from c2l.pipeline import Pipeline

Spacing = Literal["seen", "path"]
"""Frames evenly spread by what is seen, or along the path."""

_LOOKS = 2
"""Pictures drawn of a way for each of its frames, before it is looked at more closely."""

_FEWEST_LOOKS = 16


class Walk(Edit):
    """Frames of a walk from end to end.

    Where the frames lie is found only when they are drawn, by drawing and embedding the way: two or
    three times as many pictures as there are frames.

    Args:
        ends: two operations or more.
        frames: how many, including those at the ends.
        path: ``linear``, ``slerp`` or ``prior``, for each of the ways between two ends.
        loop: whether a last way leads back to the first end, whose frame is not repeated.
        spacing: see ``Spacing``.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        ends: Sequence[Operation],
        *,
        frames: int,
        paths: Sequence[Path],
        loop: bool = False,
        spacing: Spacing = "seen",
        truncation: float | None = None,
        name: str = "walk",
    ) -> None:
        super().__init__(pipeline, (), truncation=truncation, name=name)
        around = [*ends, ends[0]] if loop else list(ends)
        self.ways = list(zip(around, around[1:], paths, strict=False))
        self.frames = frames
        self.loop = loop
        self.spacing = spacing

    def __len__(self) -> int:
        return self.frames

    @cached_property
    def operations(self) -> tuple[Operation, ...]:  # type: ignore[override]
        """The frames; finding them draws the way."""
        num = self.frames if self.loop else self.frames - 1
        if self.spacing == "seen":
            looks = max(_FEWEST_LOOKS, _LOOKS * num // len(self.ways))
            tracks = [Track(partial(self._look, way), looks) for way in self.ways]
            steps = shared_out([track.length() for track in tracks], num)
            places = [track.pace(n + 1) for track, n in zip(tracks, steps, strict=True)]
        else:
            steps = shared_out([1.0] * len(self.ways), num)
            places = [torch.linspace(0, 1, n + 1).tolist() for n in steps]
        walked = [
            _point(way, at) for way, some in zip(self.ways, places, strict=True) for at in some[:-1]
        ]
        return tuple(walked if self.loop else [*walked, _point(self.ways[-1], 1.0)])

    @torch.no_grad()
    def _look(self, way: tuple[Operation, Operation, Path], places: Sequence[float]) -> Tensor:
        """Embeddings (B, E) of the pictures at places of a way."""
        pipeline = self.pipeline
        truncation = pipeline.truncation(self.truncation)
        latents = latents_of(pipeline, *(_point(way, at) for at in places))
        rows = FRAMES.pictures(pipeline.generator.image_size, pipeline.generator.device.type)
        return torch.cat([
            pipeline.embedder.embed_images(
                pipeline.generator.synthesize(some, truncation=truncation)
            )
            for some in latents.split(rows)
        ])  # fmt: skip


def _point(way: tuple[Operation, Operation, Path], at: float) -> Operation:
    """A place on a way; its ends are what they are without it."""
    start, end, path = way
    if at in (0, 1):
        return end if at else start
    return Interpolate(start=start, end=end, at=at, path=path)


def walk_of(
    pipeline: Pipeline,
    ends: Thing | Sequence[Thing],
    *,
    frames: int,
    path: Path | None = None,
    loop: bool = False,
    spacing: Spacing = "seen",
    seed: int = 0,
    seeds: Sequence[int] | str | None = None,
    truncation: float | None = None,
    **how: Any,
) -> Walk:
    """A walk between pictures, prompts, seeds or latents.

    Args:
        path: by default through the prior if possible, else ``slerp``.
        seed: of every prompt.
        seeds: one for each end instead; with a single prompt, each seed makes an end.
        how: guidance and the like, of every prompt.
    Raises:
        BadInput: fewer than two ends, fewer frames than ends, or a path that does not exist.
    """
    things: list[Any] = list(ends) if isinstance(ends, (list, tuple)) else [ends]
    if seeds is not None:
        asked: dict[str, Any] = {"prompts": ["x"], "seeds": seeds}
        chosen = DrawRequest(**asked).seed_lists[0]
        things = things * len(chosen) if len(things) == 1 else things
        if len(chosen) != len(things):
            raise BadInput(
                f"{len(things)} ends cannot have {len(chosen)} seeds",
                hint="Give one for each end",
                field="seeds",
            )
    else:
        chosen = [seed] * len(things)
    if len(things) < 2:
        raise BadInput(
            "a walk needs two ends or more, and one is given",
            hint="Give another picture or prompt, or several `seeds`",
            field="ends",
        )
    fewest = len(things)
    if frames < fewest:
        raise BadInput(
            f"`frames={frames}` is less than the {fewest} ends need",
            hint=f"Use `frames={fewest}` or more",
            field="frames",
        )
    for name, value, known in (("path", path, Path), ("spacing", spacing, Spacing)):
        if value is not None and value not in get_args(known):
            raise BadInput(
                f"`{name}={value}` is not one of {', '.join(get_args(known))}",
                hint=f"Use `{name}={get_args(known)[0]}`",
                field=name,
            )
    found = [end_of(pipeline, t, seed=s, **how) for t, s in zip(things, chosen, strict=True)]
    operations = [end.operation for end in found]
    around = [*operations, operations[0]] if loop else operations
    paths = [path_between(pipeline, a, b, path) for a, b in itertools.pairwise(around)]
    return Walk(
        pipeline,
        operations,
        frames=frames,
        paths=paths,
        loop=loop,
        spacing=spacing,
        truncation=one_truncation(found, truncation),
    )


def why_no_way(pipeline: Pipeline, start: Operation, end: Operation) -> str:
    """What keeps a walk from going through the prior; empty if nothing."""
    if "towards" not in pipeline.prior.supported_options:
        kind = pipeline.prior.reference.partition(":")[0] or type(pipeline.prior).__name__
        return f"a {kind} prior samples nothing between two samples"
    return why_not_through_the_prior(start, end)


def path_between(pipeline: Pipeline, start: Operation, end: Operation, path: Path | None) -> Path:
    """The path from one end to another: the one that is asked for, or the best there is.

    Raises:
        BadInput: the prior is asked for, and knows no way.
    """
    why = why_no_way(pipeline, start, end)
    if path == "prior" and why:
        raise BadInput(
            f"there is no way through the prior: {why}",
            hint="Use `path=slerp` or `path=linear`",
            field="path",
        )
    return path or ("slerp" if why else "prior")
