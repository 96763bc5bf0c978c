"""What the commands of ``c2l edit`` share: options, and how they draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import Fraction, Text, option
from c2l.cli.progress import progress

Seeds = Annotated[Text, option("Seeds of prompts: one, or one for each.", default="random")]
Out = Annotated[Path, option("Folder for the PNG files.", "--out", "-o")]
Recipe = Annotated[
    Text, option("A named trio of parts.", "--recipe", "-r", default="the picture's")
]
Guidance = Annotated[Fraction, option("How strongly to follow prompts.", default="prior's")]
Negative = Annotated[list[str] | None, option("What prompts avoid: --negative 'beard, glasses:2'.")]
Truncation = Annotated[Fraction, option("Below 1: nearer to the mean.", default="the picture's")]
Lines = Annotated[bool, option("One line of JSON for each picture on stdout.", "--json")]

Make = Callable[..., Any]
"""Session, ends and the command's own options to what is to be drawn."""


def ends(help: str, metavar: str) -> Any:
    """The argument that names pictures and prompts."""
    return typer.Argument(help=help, metavar=metavar, show_default=False)


def draw(context: typer.Context, make: Make, *own: str) -> None:
    """Draw an edit into its folder, and print where each picture is.

    Args:
        own: the options that are of this command alone; ``make`` gets them.
    """

    def made(session: service.Session, **fields: Any) -> service.TypedEdit:
        given = {name: fields.pop(name) for name in own}
        typed: service.TypedEdit = make(session, service.open_ends(session, **fields), **given)
        return typed

    draw_made(context, made)


def draw_made(context: typer.Context, make: Make) -> None:
    """The same, of what ``make`` gives for a session and all that was typed."""
    output.warn_of_problems()
    params, milliseconds = context.params, []
    with downloads() as on_download, progress("drawing", "pictures") as update:
        session = service.Session(
            ask=questions(params["accept_licence"], params["accept_programs"]),
            tell=output.say,
            on_download=on_download,
        )
        typed = make(session, **fields_of(context, "out"))

        def show(drawn: service.Drawn) -> None:
            line: dict[str, Any] = {"path": str(drawn.path), **drawn.record}
            if drawn.picture is not None:
                spent = drawn.picture.milliseconds
                line["milliseconds"] = {"loading": session.milliseconds_loading, **spent}
                milliseconds.append(sum(spent.values()))
            text = json.dumps(line, ensure_ascii=False) if params["as_json"] else str(drawn.path)
            output.data(text)

        pages = service.draw_edit(typed, params["out"], on_picture=show, on_progress=update)
    for page in pages:
        output.talk(f"sheet: {page}")
    output.talk(f"drew {len(milliseconds)} in {sum(milliseconds):.0f} ms")
