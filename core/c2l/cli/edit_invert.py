"""``c2l edit invert``: from photos to pictures of the generator."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import option
from c2l.cli.progress import progress

Photos = Annotated[
    list[Path] | None,
    typer.Argument(help="Picture files of any origin.", metavar="PHOTO...", show_default=False),
]
Space = Annotated[str, option("w+: a code for each layer; w: nearer to what is usual.")]
Fit = Annotated[str, option("crop: the middle of it; pad: all of it.")]
Steps = Annotated[int, option("Steps of gradient descent.")]
Seed = Annotated[int, option("Of the prior's answers to begin with.")]
Recipe = Annotated[
    options.Text, option("A named trio of parts.", "--recipe", "-r", default="demo-faces")
]


def invert(
    context: typer.Context,
    photos: Photos = None,
    space: Space = "w+",
    fit: Fit = "crop",
    steps: Steps = 200,
    seed: Seed = 0,
    out: editing.Out = Path("pictures"),
    recipe: Recipe = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    device: options.Device = "auto",
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: editing.Lines = False,
) -> None:
    """Find a photo's picture: the generator's that is nearest, for other edits to begin with.

    Ctrl-C keeps the best so far.
    """
    output.warn_of_problems()

    def show(found: service.InvertedPhoto) -> None:
        line = {**asdict(found), "photo": str(found.photo), "path": str(found.path)}
        line = {**line.pop("record"), **line}
        output.data(json.dumps(line, ensure_ascii=False) if as_json else str(found.path))
        output.talk(
            f"distance {found.distance:.4f} after {found.steps:,} steps in {found.seconds:.1f} s, "
            f"{found.first_distance:.4f} before"
        )

    with downloads() as on_download, progress("inverting", "steps") as update:
        ask = questions(accept_licence, accept_programs)
        session = service.Session(ask=ask, tell=output.say, on_download=on_download)
        pages = service.invert_photos(
            session, on_picture=show, on_step=update, **fields_of(context)
        )
    for page in pages:
        output.talk(f"sheet: {page}")
