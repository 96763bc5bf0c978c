"""What an edit begins with as people type it: pictures, prompts and seeds."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2l.editing.drawing import title_of
from c2l.editing.edit import Edit
from c2l.editing.ends import End, end_of, one_truncation
from c2l.errors import BadInput
from c2l.result import slug
from c2l.sampling.request import DrawRequest, Request
from c2l.sampling.seed_lists import parse_seeds
from c2l.service.notices import notices_before
from c2l.service.request_files import read_request
from c2l.service.session import Session

if TYPE_CHECKING:
    from c2l.editing.ends import Thing
    from c2l.pipeline import Pipeline

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
"""What ends so is a picture; any other text is a prompt."""

_PARTS = ("recipe", "generator", "embedder", "prior", "device", "precision")
_HOW = ("negative", "guidance", "steps", "adherence", "class_label")


@dataclass(frozen=True)
class Ends:
    """What an edit begins with.

    Args:
        pipeline: draws it.
        things: pictures, prompts and seeds.
        seeds: of those of them that are prompts.
        how: guidance and the like, of those.
        truncation: None for that of the pictures.
        chosen_seed: of the prompts, if nobody named one.
    """

    pipeline: Pipeline
    things: Sequence[Thing]
    seeds: Sequence[int]
    how: dict[str, Any]
    truncation: float | None
    chosen_seed: int | None = None

    @property
    def title(self) -> str:
        """For names of files."""
        parts = [_named(thing) for thing in self.things]
        first, last = slug(parts[0]), slug(parts[-1])
        return first if len(parts) == 1 or first == last else f"{first}-to-{last}"

    def edit(self) -> Edit:
        """The things as they are."""
        ends = [
            end_of(self.pipeline, thing, seed=seed, **self.how)
            for thing, seed in zip(self.things, self.seeds, strict=True)
        ]
        operations = [end.operation for end in ends]
        return Edit(
            self.pipeline,
            operations,
            truncation=one_truncation(ends, self.truncation),
            name=self.title,
        )


def _named(thing: Thing) -> str:
    if isinstance(thing, Path):
        return thing.stem
    return title_of(thing.operation) if isinstance(thing, End) else str(thing)


def open_ends(
    session: Session,
    ends: Sequence[str] | None,
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
    optional: bool = False,
    **fields: Any,
) -> Ends:
    """What was typed as the ends of an edit, and the pipeline that draws them.

    Args:
        ends: paths of PNGs that c2l wrote, and prompts.
        seeds: one for each end, or one for all; several with one prompt give as many ends, and
            without ends those of the generator's own pictures. A random one by default.
        truncation: None for that of the pictures.
        optional: whether there may be no ends.
        fields: negative, guidance, steps, adherence and class_label of the prompts; recipe,
            generator, embedder, prior, device and precision, by default those of the first picture.
    Raises:
        BadInput, BadPicture, IncompatibleParts, and as ``Session.pipeline``.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    parts = {name: given[name] for name in _PARTS if name in given}
    how = {name: given[name] for name in _HOW if name in given}
    if "negative" in how:
        how["negative"] = ", ".join(how["negative"])
    numbers = _numbers(seeds)
    things: list[Any] = [Path(t) if Path(t).suffix.lower() in SUFFIXES else t for t in ends or ()]
    if not things:
        things = list(numbers)
    elif len(things) == 1 and len(numbers) > 1:
        things = things * len(numbers)
    if not things and not optional:
        raise BadInput(
            "there is nothing to edit", hint="Give pictures, prompts or `seeds`", field="ends"
        )
    prompts = [thing for thing in things if isinstance(thing, str)]
    chosen = secrets.randbelow(1_000_000) if prompts and not numbers else None
    numbers = numbers or [chosen or 0]
    numbers = numbers * len(things) if len(numbers) == 1 else numbers
    if len(numbers) != len(things):
        raise BadInput(
            f"{len(things)} ends cannot have {len(numbers)} seeds",
            hint="Give one for each, or one for all",
            field="seeds",
        )
    pictures = [thing for thing in things if isinstance(thing, Path)]
    # What there is to draw does not matter: it says which parts draw.
    anything: dict[str, Any] = {"prompt": "anything", **parts}
    asked = read_request(pictures[0], **parts) if pictures else Request(**anything)
    pipeline = session.pipeline(asked)
    if prompts:
        told: dict[str, Any] = {"prompts": prompts, **how}
        for notice in notices_before(pipeline, DrawRequest(**told)):
            session.tell(notice)
    return Ends(pipeline, things, numbers, how, truncation, chosen)


def _numbers(seeds: str | Sequence[int] | None) -> list[int]:
    if not isinstance(seeds, str):
        return list(seeds or ())
    try:
        return list(parse_seeds(seeds))
    except ValueError as error:
        raise BadInput(
            str(error), hint="Write them as in `seeds=1,2,5-10`", field="seeds"
        ) from None
