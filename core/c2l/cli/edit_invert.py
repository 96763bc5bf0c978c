"""``c2l edit invert``: from photos to pictures of the generator."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, output
from c2l.cli.commands import fields_of
from c2l.cli.options import option

Photos = Annotated[
    list[Path] | None,
    typer.Argument(help="Picture files.", metavar="PHOTO", show_default=False),
]
Space = Annotated[str, option("w+ has a code for each layer; w stays closer to typical pictures.")]
Fit = Annotated[str, option("crop takes the middle of the photo, pad all of it.")]
Steps = Annotated[int, option("Steps of gradient descent.")]
Seed = Annotated[int, option("Seed of the prior's first samples.")]


@editing.edit(without="seeds guidance negative adherence class_label truncation precision")
def invert(
    context: typer.Context,
    photos: Photos = None,
    space: Space = "w+",
    fit: Fit = "crop",
    steps: Steps = 200,
    seed: Seed = 0,
    recipe: editing.DemoRecipe = None,
) -> None:
    """Find the picture nearest to a photo.

    The result can be used in any other edit.

    Ctrl-C keeps the best so far.
    """
    as_json = context.params["as_json"]

    def show(found: service.InvertedPhoto) -> None:
        line = {**asdict(found), "photo": str(found.photo), "path": str(found.path)}
        line = {**line.pop("record"), **line}
        output.data(json.dumps(line, ensure_ascii=False) if as_json else str(found.path))
        output.talk(
            f"distance {found.distance:.4f} after {found.steps:,} steps in {found.seconds:.1f} s, "
            f"{found.first_distance:.4f} before"
        )

    with editing.opened(context, "inverting", "steps") as (session, update):
        pages = service.invert_photos(
            session, on_picture=show, on_step=update, **fields_of(context)
        )
    for page in pages:
        output.talk(f"sheet: {page}")
