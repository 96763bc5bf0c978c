"""Edits as people type them: pictures, prompts and seeds in, pictures and a contact sheet out."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from c2l.editing.drawing import title_of
from c2l.editing.edit import Edit
from c2l.editing.ends import End, end_of, one_truncation
from c2l.editing.layers import check_layers
from c2l.editing.walk import Spacing, why_no_way
from c2l.errors import BadInput
from c2l.images import free_stem, write_new_png, write_numbered, write_png
from c2l.result import slug
from c2l.sampling.operations import Operation
from c2l.sampling.operations import Path as Way
from c2l.sampling.record import SCHEMA
from c2l.sampling.request import DrawRequest, Request
from c2l.sampling.seed_lists import parse_seeds
from c2l.service.drawing import Drawn, prepare_folder
from c2l.service.grids import GridPages
from c2l.service.notices import Notice, notices_before
from c2l.service.request_files import read_request
from c2l.service.session import Session

if TYPE_CHECKING:
    from c2l.editing.ends import Thing
    from c2l.pipeline import Pipeline

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
"""What ends so is a picture; any other text is a prompt."""

_PARTS = ("recipe", "generator", "embedder", "prior", "device", "precision")
_HOW = ("negative", "guidance", "steps", "adherence")


@dataclass(frozen=True)
class Ends:
    """What an edit begins with.

    Args:
        pipeline: draws it.
        things: pictures, prompts and seeds.
        seeds: of those of them that are prompts.
        how: guidance and the like, of those.
        truncation: None for that of the pictures.
    """

    pipeline: Pipeline
    things: Sequence[Thing]
    seeds: Sequence[int]
    how: dict[str, Any]
    truncation: float | None

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


@dataclass(frozen=True)
class TypedEdit:
    """Pictures to be drawn.

    Args:
        before: what a contact sheet shows beside them: each of these pictures before those that
            were made of it, an equal share.
        together: all of these pictures before all others instead.
    """

    edit: Edit
    before: Edit | None = None
    together: bool = False

    @property
    def groups(self) -> Sequence[Sequence[Operation]]:
        """The pictures that are shown before each share."""
        if self.before is None:
            return [()]
        shown = self.before.operations
        return [shown] if self.together else [(operation,) for operation in shown]


def open_ends(
    session: Session,
    ends: Sequence[str] | None,
    *,
    seeds: str | Sequence[int] | None = None,
    truncation: float | None = None,
    **fields: Any,
) -> Ends:
    """What was typed as the ends of an edit, and the pipeline that draws them.

    Args:
        ends: paths of PNGs that c2l wrote, and prompts.
        seeds: one for each end, or one for all; several with one prompt give as many ends, and
            without ends those of the generator's own pictures. A random one by default.
        truncation: None for that of the pictures.
        fields: negative, guidance, steps and adherence of the prompts; recipe, generator, embedder,
            prior, device and precision, by default those of the first picture.
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
    if not things:
        raise BadInput(
            "there is nothing to edit", hint="Give pictures, prompts or `seeds`", field="ends"
        )
    numbers = numbers or [secrets.randbelow(1_000_000)]
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
    prompts = [thing for thing in things if isinstance(thing, str)]
    if prompts:
        told: dict[str, Any] = {"prompts": prompts, **how}
        for notice in notices_before(pipeline, DrawRequest(**told)):
            session.tell(notice)
    return Ends(pipeline, things, numbers, how, truncation)


def typed_walk(
    session: Session,
    ends: Ends,
    *,
    frames: int,
    path: Way | None = None,
    loop: bool = False,
    spacing: Spacing | None = None,
) -> TypedEdit:
    """A walk through all ends.

    Raises:
        BadInput: as ``Pipeline.walk``.
    """
    given = {"path": path, "spacing": spacing}
    start = ends.edit()
    walk = ends.pipeline.walk(
        start.operations,
        frames=frames,
        loop=loop,
        truncation=start.truncation,
        **{name: value for name, value in given.items() if value is not None},
    )
    walk.name = ends.title
    if path is None:
        for why in dict.fromkeys(why_no_way(ends.pipeline, *way[:2]) for way in walk.ways):
            if why:
                text = f"walking by `path=slerp`: there is no way through the prior, since {why}"
                session.tell(Notice("path", text, "path"))
    return TypedEdit(walk)


def typed_mix(
    session: Session, ends: Ends, *, layers: Sequence[str] | None, share: float | None = None
) -> TypedEdit:
    """The first of two ends with layers of the second, a picture for each list of layers.

    Raises:
        BadInput: there are not two, or the generator does not have these layers.
    """
    start = ends.edit()
    if len(start) != 2:
        raise BadInput(
            f"a mix is of two pictures, and {len(start)} are given",
            hint="Give the one to begin with, and the one whose layers it takes",
            field="ends",
        )
    check_layers(ends.pipeline.generator, ())
    if not layers:
        num = ends.pipeline.generator.latent_space.num_layers
        raise BadInput(
            "it is not said which layers to take",
            hint=f"Use `layers=0-{(num - 1) // 2}` for the coarse half of {num} layers, "
            f"0 to {num - 1}",
            field="layers",
        )
    base, other = start.operations
    first = ends.pipeline.edit(base)
    operations = [
        operation
        for text in layers
        for operation in first.mix(other, layers=text, share=share).operations
    ]
    title = f"{ends.title}-mixed"
    edit = Edit(ends.pipeline, operations, truncation=start.truncation, name=title)
    return TypedEdit(edit, start, together=True)


def typed_vary(session: Session, ends: Ends, *, amount: float, num: int) -> TypedEdit:
    """Neighbours of each end.

    Raises:
        BadInput: an amount that is not from 0 to 1.
    """
    prior = ends.pipeline.prior
    if "near" not in prior.supported_options:
        kind = prior.reference.partition(":")[0]
        text = f"a {kind} prior cannot stay near a picture; going straight towards fresh samples"
        session.tell(Notice("path", text))
    start = ends.edit()
    varied = start.vary(amount, num=num)
    varied.name = f"{ends.title}-varied"
    return TypedEdit(varied, start)


def draw_edit(
    typed: TypedEdit,
    out: Path,
    *,
    on_picture: Callable[[Drawn], None] = lambda drawn: None,
    on_progress: Callable[[int, int], None] = lambda done, num: None,
) -> tuple[Path, ...]:
    """Draw an edit into a folder, a PNG for each picture, and a contact sheet of several.

    Nothing is overwritten.

    Args:
        out: the folder, made if need be.
        on_picture: called with each picture, in order, once it is in the folder.
        on_progress: called with the number of pictures drawn, and of all.
    Returns:
        The pages of the contact sheet.
    Raises:
        NotWritable: the folder cannot be written.
    """
    prepare_folder(out, "out")
    edit, num = typed.edit, len(typed.edit)
    stem = free_stem(out, edit.name)
    groups = typed.groups
    share = num // len(groups)
    sheet = _sheet(out, stem, edit, share + len(groups[0]), len(groups))
    place = itertools.count()
    on_progress(0, num)
    for index, (picture, path) in enumerate(write_numbered(out, stem, edit, num)):
        on_picture(Drawn(index, num, path, dict(picture.record), picture))
        if index % share == 0 and (before := groups[index // share]):
            for shown in Edit(edit.pipeline, before, truncation=edit.truncation):
                sheet.add(next(place), shown.pil())
        sheet.add(next(place), picture.pil())
        on_progress(index + 1, num)
    return tuple(sheet.paths)


def _sheet(out: Path, stem: str, edit: Edit, per_group: int, num_groups: int) -> GridPages:
    named = ("recipe", "generator", "embedder", "prior")
    parts = {n: value for n, value in edit.pipeline.provenance.items() if n in named}
    record = {"schema": SCHEMA, "grid": [edit.name], **parts}

    def save(number: int, page: Image.Image) -> Path:
        name = f"{stem}-sheet-{number}" if number else f"{stem}-sheet"
        return write_new_png(out, name, lambda path: write_png(path, page, record))

    return GridPages(save, per_group, per_group * num_groups)


def _numbers(seeds: str | Sequence[int] | None) -> list[int]:
    if not isinstance(seeds, str):
        return list(seeds or ())
    try:
        return list(parse_seeds(seeds))
    except ValueError as error:
        raise BadInput(
            str(error), hint="Write them as in `seeds=1,2,5-10`", field="seeds"
        ) from None
