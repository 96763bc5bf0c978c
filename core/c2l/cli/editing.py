"""What the commands of ``c2l edit`` share: options, and how they draw."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import Fraction, Text, option
from c2l.cli.progress import Update, drew, progress

Make = Callable[..., Any]
"""Session, ends and the command's own options to what is to be drawn."""

Seeds = Annotated[Text, option("Seeds of prompts: one, or one for each.", default="random")]
Out = Annotated[Path, option("Folder for the PNG files.", "--out", "-o")]
Recipe = Annotated[Text, option("A named set of parts.", "--recipe", "-r", default="the picture's")]
DemoRecipe = Annotated[
    Text, option("A named set of parts.", "--recipe", "-r", default="demo-faces")
]
Way = Annotated[Text, option("prior, slerp or linear.", default="prior, else slerp")]
Loop = Annotated[bool, option("Return to the start.", "--loop")]
Spacing = Annotated[
    Text, option("seen: steps that look equal; path: equal along the path.", default="seen")
]
Guidance = Annotated[Fraction, option("How strongly to follow prompts.", default="prior's")]
Negative = Annotated[
    list[str] | None, option("What prompts should avoid: --negative 'beard, glasses:2'.")
]
Class = Annotated[
    Text, option("Class of prompts and seeds, by name or number.", "--class", default="any")
]
Truncation = Annotated[Fraction, option("Below 1: nearer to the mean.", default="the picture's")]
Lines = Annotated[bool, option("Print a line of JSON for each picture.", "--json")]

SHARED: Mapping[str, tuple[Any, Any]] = {
    "seeds": (Seeds, None),
    "out": (Out, Path("pictures")),
    "recipe": (Recipe, None),
    "generator": (options.Generator, None),
    "embedder": (options.Embedder, None),
    "prior": (options.Prior, None),
    "guidance": (Guidance, None),
    "negative": (Negative, None),
    "adherence": (options.Adherence, None),
    "class_label": (Class, None),
    "truncation": (Truncation, None),
    "device": (options.Device, "auto"),
    "precision": (options.Precision, None),
    "accept_licence": (options.AcceptLicence, False),
    "accept_programs": (options.AcceptPrograms, False),
    "as_json": (Lines, False),
}
"""The options of every edit, by name: what they are, and their defaults."""


def ends(help: str, metavar: str) -> Any:
    """The argument that names pictures and prompts."""
    return typer.Argument(help=help, metavar=metavar, show_default=False)


def edit(*, without: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command with the options of every edit after its own.

    The function gets its own ones; all are in its context.

    Args:
        without: names of those that it has not, with spaces between.
    """

    def command(function: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True).parameters
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter(name, keyword, default=default, annotation=kind)
            for name, (kind, default) in SHARED.items()
            if name not in own and name not in without.split()
        ]

        @functools.wraps(function)
        def run(**given: Any) -> None:
            function(**{name: value for name, value in given.items() if name in own})

        signature = inspect.Signature([*own.values(), *shared])
        run.__signature__ = signature  # type: ignore[attr-defined]
        return run

    return command


@contextmanager
def opened(
    context: typer.Context, what: str, unit: str
) -> Iterator[tuple[service.Session, Update]]:
    """A session that asks, tells and downloads as commands do, and a bar as ``progress`` has."""
    output.warn_of_problems()
    ask = questions(context.params["accept_licence"], context.params["accept_programs"])
    with downloads() as on_download, progress(what, unit) as update:
        yield service.Session(ask=ask, tell=output.say, on_download=on_download), update


def draw(context: typer.Context, make: Make, *own: str) -> None:
    """Draw an edit into its folder, and print where each picture is.

    Args:
        own: the options that are of this command alone; ``make`` gets them.
    """

    def made(session: service.Session, **fields: Any) -> service.TypedEdit | None:
        given = {name: fields.pop(name) for name in own}
        ends = service.open_ends(session, optional=given.get("save") is not None, **fields)
        typed: service.TypedEdit | None = make(session, ends, **given)
        return typed

    draw_made(context, made)


def draw_made(context: typer.Context, make: Make) -> None:
    """The same, of what ``make`` gives for a session and all that was typed."""
    params, milliseconds = context.params, []
    with opened(context, "drawing", "pictures") as (session, update):
        typed = make(session, **fields_of(context, "out"))
        if typed is None:  # a direction that was only to be saved
            return

        def show(drawn: service.Drawn) -> None:
            print_drawn(drawn, params["as_json"], session.milliseconds_loading)
            if drawn.picture is not None:
                milliseconds.append(sum(drawn.picture.milliseconds.values()))

        pages = service.draw_edit(
            typed, params["out"], on_picture=show, on_progress=update, tell=output.say
        )
    for page in pages:
        output.talk(f"sheet: {page}")
    output.talk(drew(len(milliseconds), sum(milliseconds)))


def print_drawn(drawn: service.Drawn, as_json: bool, loading: float) -> None:
    """Print where a picture is; or in JSON its record, and how long it took.

    Args:
        loading: milliseconds that its parts took to load.
    """
    line: dict[str, Any] = {"path": str(drawn.path), **drawn.record}
    if drawn.picture is not None:
        line["milliseconds"] = {"loading": loading, **drawn.picture.milliseconds}
    output.data(json.dumps(line, ensure_ascii=False) if as_json else str(drawn.path))
