"""Directions as people type them: made, read from files, kept in files, and gone along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from c2l.editing.apply import latents_of
from c2l.editing.directions import (
    Direction,
    from_component,
    from_groups,
    from_prompts,
    load_direction,
)
from c2l.editing.directions.measuring import OnProgress
from c2l.editing.ends import end_of
from c2l.errors import BadInput, BadWeights
from c2l.kept_directions import on_card, place_to_keep
from c2l.ranges import MOST_STRENGTH
from c2l.result import slug
from c2l.sampling.record import read_record
from c2l.service.drawing import prepare_folder
from c2l.service.edit_ends import Ends
from c2l.service.editing import TypedEdit
from c2l.service.notices import Notice
from c2l.service.session import Session

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline

_ANOTHER = (
    "Give `start` and `end`, or `without` and `shown`, or `component`, or the file `direction`"
)


def typed_direction(
    session: Session,
    ends: Ends,
    *,
    start: str | None = None,
    end: str | None = None,
    without: Path | None = None,
    shown: Path | None = None,
    component: int | None = None,
    direction: Path | str | None = None,
    keep: Sequence[str] | None = None,
    strength: str | Sequence[float] = "1",
    save: Path | str | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> TypedEdit | None:
    """Each end moved along one direction, at each strength; None without ends.

    Args:
        start, end: two prompts.
        without, shown: folders of PNGs that c2l wrote, or files of latents.
        component: of the latent space, counted from 0.
        direction: a file, or the name of one that was kept. One of these four ways names the
            direction.
        keep: what should stay, each in words.
        strength: as in ``-1,0,1``; or ``0..1.5:7``, seven from the one to the other.
        save: a file to write the direction to, or a name to keep it by.
        on_progress: called with the number of pictures drawn to make the direction, and the most
            there may be.
    Raises:
        BadInput, BadWeights, IncompatibleParts, BadPicture, NotWritable.
    """
    ways = {
        "start": start is not None or end is not None,
        "without": without is not None or shown is not None,
        "component": component is not None,
        "direction": direction is not None,
    }
    named = [name for name, given in ways.items() if given]
    if len(named) != 1:
        told = "nothing names" if not named else f"{' and '.join(f'`{n}`' for n in named)} name"
        raise BadInput(f"{told} the direction", hint=_ANOTHER, field=(named or ["start"])[-1])
    strengths = _strengths(strength)
    place = None if save is None else place_to_keep(save)
    if place is not None:
        prepare_folder(place.parent, "save")
    kept, pipeline = list(keep or ()), ends.pipeline
    if direction is not None:
        if kept:
            raise BadInput(
                "a saved direction cannot be changed",
                hint="Leave out `keep`, or make a new direction",
                field="keep",
            )
        if (reference := on_card(direction)) is not None:
            session.fetch([reference])
        found = load_direction(direction, pipeline.generator)
    elif component is not None:
        found = from_component(pipeline, component, keep=kept, on_progress=on_progress)
    elif named == ["without"]:
        groups = [
            _group(pipeline, path, name) for path, name in ((without, "without"), (shown, "shown"))
        ]
        name = f"{without} -> {shown}"
        found = from_groups(pipeline, *groups, name=name, keep=kept, on_progress=on_progress)
    else:
        texts = _given(start, "start"), _given(end, "end")
        found = from_prompts(pipeline, *texts, keep=kept, on_progress=on_progress)
    if place is not None:
        session.tell(Notice("saved", f"the direction is in {found.save(place)}"))
    if (short := notice_of_short(found)) is not None:
        session.tell(short)
    if not ends.things:
        return None
    begin = ends.edit()
    moved = begin.move(found, strengths)
    moved.name = f"{ends.title}-{_short(found.card.made.get('end') or found.card.name)}"
    return TypedEdit(moved, None if 0 in strengths else begin, chosen_seed=ends.chosen_seed)


def typed_adhere(
    session: Session,
    ends: Ends,
    *,
    to: str | None = None,
    start: str | None = None,
    seed: int = 0,
    on_progress: OnProgress = lambda done, num: None,
) -> TypedEdit:
    """Each end, changed until it shows one more thing.

    Args:
        seed: as in ``Edit.adhere``.
        on_progress: called with the number of moves that are found, and of all.

    Raises:
        BadInput: the embedder cannot tell ``to`` from ``start``.
    """
    begin = ends.edit()
    adhering = begin.adhere(_given(to, "to"), start=start, seed=seed, on_progress=on_progress)
    adhering.name = f"{ends.title}-{_short(adhering.to)}"
    for one, found in enumerate(adhering.found, start=1):
        what = f"{found.before:.2f} to {found.after:.2f}, typical {found.typical:.2f}"
        where = "" if len(adhering) == 1 else f"picture {one}: "
        if found.after == found.before:
            short = "shows it already" if found.reached else "does not come to show it"
            session.tell(Notice("short", f"{where}{short} ({what})"))
        elif not found.reached:
            short = "shows it less clearly than pictures of it do"
            session.tell(Notice("short", f"{where}{short} ({what})"))
    return TypedEdit(adhering, begin, chosen_seed=ends.chosen_seed)


def _short(text: str) -> str:
    """For names of files."""
    return slug(text)[:30].rstrip("-")


def _given(text: str | None, field: str) -> str:
    if text is None:
        raise BadInput(f"`{field}` is missing", hint="Give it in words", field=field)
    return text


def _strengths(given: str | Sequence[float]) -> list[float]:
    """``-1,0,1`` or ``0..1.5:7`` as numbers."""
    if not isinstance(given, str):
        return list(given)
    numbers: list[float] = []
    try:
        for part in given.split(","):
            ends, dots, last = part.partition("..")
            if not dots:
                numbers.append(float(part))
                continue
            last, _, num = last.partition(":")
            numbers += torch.linspace(float(ends), float(last), int(num)).tolist()
    except (ValueError, RuntimeError):
        raise BadInput(
            f"`strength={given}` is not a list of numbers",
            hint="Write them as in `strength=-1,0,1` or `strength=0..1.5:7`",
            field="strength",
        ) from None
    if not numbers or not all(abs(n) <= MOST_STRENGTH for n in numbers):
        raise BadInput(
            f"`strength={given}` is out of range",
            hint=f"Use numbers from -{MOST_STRENGTH} to {MOST_STRENGTH}",
            field="strength",
        )
    return [round(n, 6) for n in numbers]


def _group(pipeline: Pipeline, path: Path | None, field: str) -> Tensor:
    """The latents (B, L, D) of a folder of pictures, or of a file that ``LatentsFile`` wrote."""
    if path is None:
        raise BadInput(f"`{field}` is missing", hint="Give both groups", field=field)
    if path.is_dir():
        pictures = sorted(path.glob("*.png"))
        ends = [end_of(pipeline, p) for p in pictures if "grid" not in read_record(p)]
        if not ends:
            raise BadInput(f"{path} holds no pictures of c2l", hint="Give others", field=field)
        return latents_of(pipeline, *(e.operation for e in ends))
    try:
        latents = load_file(path)["latents"].float()
        return pipeline.generator.latent_space.expand(latents, pipeline.prior.repeats)
    except FileNotFoundError:
        raise BadInput(
            f"there is no {path}", hint="Give a folder of pictures", field=field
        ) from None
    except (SafetensorError, OSError, KeyError) as error:
        raise BadWeights(
            f"{path} holds no latents: {error}",
            hint="Give a folder of pictures, or what `c2l sample latents=FILE` wrote",
        ) from error


def notice_of_short(direction: Direction) -> Notice | None:
    """The notice that a direction shows less than pictures of the thing do; None if it does not."""
    seen, wanted = (direction.card.measures.get(name, 0.0) for name in ("seen", "wanted"))
    if seen >= 0.9 * wanted:
        return None
    return Notice(
        "short",
        f"'{direction.card.name}' shows at strength 1 {seen / wanted:.0%} of what pictures "
        "of it show; no strength shows more",
    )
