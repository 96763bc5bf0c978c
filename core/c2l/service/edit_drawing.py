"""Edits drawn into a folder: a PNG for each picture as it is drawn, and a contact sheet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from c2l.editing.edit import Edit
from c2l.images import read_png, write_png
from c2l.sampling.record import SCHEMA
from c2l.service.drawing import DrawingInterrupted, Drawn, opened, prepare_folder
from c2l.service.editing import TypedEdit
from c2l.service.grids import GridPages
from c2l.service.notices import Notice, Tell
from c2l.service.unfinished import UnfinishedEdit


def draw_edit(
    typed: TypedEdit,
    out: Path,
    *,
    on_picture: Callable[[Drawn], None] = lambda drawn: None,
    on_progress: Callable[[int, int], None] = lambda done, num: None,
    tell: Tell = lambda notice: None,
) -> tuple[Path, ...]:
    """Draw an edit into a folder, a PNG for each picture, and a contact sheet of several.

    Each picture is written as it is drawn. After an interruption, the same edit resumes. Nothing is
    overwritten.

    Args:
        out: the folder, made if need be.
        on_picture: called with each picture, in order, once it is in the folder.
        on_progress: called with the number of pictures drawn, and of all.
        tell: told if the edit resumes.
    Returns:
        The pages of the contact sheet.
    Raises:
        NotWritable: the folder cannot be written.
        DrawingInterrupted: Ctrl-C.
    """
    prepare_folder(out, "out")
    edit, groups = typed.edit, typed.groups
    with UnfinishedEdit(out, edit) as unfinished:
        num, num_before = len(edit), unfinished.num_done
        if num_before:
            tell(Notice("resumed", f"{num_before:,} of {num:,} pictures are in {out}"))
        share = num // len(groups)
        sheet = _sheet(unfinished, edit, share + len(groups[0]), len(groups))
        place = itertools.count()
        on_progress(num_before, num)
        try:
            for drawn in _pictures(edit, unfinished):
                on_picture(drawn)
                if drawn.index % share == 0 and (before := groups[drawn.index // share]):
                    for shown in Edit(edit.pipeline, before, truncation=edit.truncation):
                        sheet.add(next(place), shown.pil())
                image = drawn.picture.pil() if drawn.picture else opened(drawn.path)
                sheet.add(next(place), image)
                on_progress(max(drawn.index + 1, num_before), num)
        except KeyboardInterrupt:
            raise DrawingInterrupted(out, unfinished.num_done, num, typed.chosen_seed) from None
        unfinished.finish()
    return tuple(sheet.paths)


def _pictures(edit: Edit, unfinished: UnfinishedEdit) -> Iterator[Drawn]:
    """All pictures of an edit, in order; those that are not in the folder are drawn into it."""
    before, num = unfinished.done, len(edit)
    left = [o for index, o in enumerate(edit.operations) if index not in before]
    drawn = iter(Edit(edit.pipeline, left, truncation=edit.truncation) if before else edit)
    digits = max(2, len(str(num)))
    for index in range(num):
        if index in before:
            yield Drawn(index, num, before[index], read_png(before[index]), None)
        else:
            picture = next(drawn)
            stem = f"{unfinished.stem}-{index + 1:0{digits}}"
            path = unfinished.keep(index, stem, picture.save)
            yield Drawn(index, num, path, dict(picture.record), picture)


def _sheet(unfinished: UnfinishedEdit, edit: Edit, per_group: int, num_groups: int) -> GridPages:
    named = ("recipe", "generator", "embedder", "prior")
    parts = {n: value for n, value in edit.pipeline.provenance.items() if n in named}
    record = {"schema": SCHEMA, "grid": [edit.name], **parts}

    def save(number: int, page: Image.Image) -> Path:
        name = f"{unfinished.stem}-sheet-{number}" if number else f"{unfinished.stem}-sheet"
        return unfinished.keep(f"page {number}", name, lambda path: write_png(path, page, record))

    return GridPages(save, per_group, per_group * num_groups)
