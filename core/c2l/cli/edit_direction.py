"""``c2l edit direction`` and ``c2l edit adhere``: one thing of a picture changed."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing
from c2l.cli.commands import Commands
from c2l.cli.options import File, Number, Text, option
from c2l.cli.progress import progress

Things = Annotated[list[str] | None, editing.ends("PNGs by c2l, or prompts.", "PICTURE")]
Start = Annotated[Text, option("What to move away from: 'a sad face'.")]
End = Annotated[Text, option("What to move towards: 'a smiling face'.")]
Without = Annotated[
    File, option("Pictures without the thing: a folder, or a file from c2l sample --latents.")
]
Shown = Annotated[File, option("Pictures with the thing.")]
Component = Annotated[Number, option("Principal component of the latents, from 0.")]
Direction = Annotated[Text, option("A saved direction: its name, or a file.")]
Keep = Annotated[list[str] | None, option("What should stay, in words; repeatable.")]
Strength = Annotated[
    str, option("1 is as clear as in typical pictures; several: -1,0,1 or 0..1.5:7.")
]
Save = Annotated[Text, option("Save the direction under a name, or to a file.")]
To = Annotated[Text, option("What to show: 'with sunglasses'.")]
Instead = Annotated[
    Text, option("What the picture shows now, if known.", default="any of its kind")
]


@editing.edit()
def direction(
    context: typer.Context,
    ends: Things = None,
    start: Start = None,
    end: End = None,
    without: Without = None,
    shown: Shown = None,
    component: Component = None,
    direction: Direction = None,
    keep: Keep = None,
    strength: Strength = "1",
    save: Save = None,
) -> None:
    """Change one thing about pictures, by any amount.

    The change is given by two prompts, by two groups of pictures, by a principal component, or
    by a saved direction. Without pictures, --save only saves it.
    """
    with progress("making the direction", "pictures") as update:
        editing.draw(
            context,
            partial(service.typed_direction, on_progress=update),
            *("start", "end", "without", "shown", "component", "direction"),
            *("keep", "strength", "save"),
        )


@editing.edit()
def adhere(
    context: typer.Context,
    ends: Things = None,
    to: To = None,
    start: Instead = None,
) -> None:
    """Make a picture show one more thing.

    Everything else changes as little as possible."""
    with progress("finding moves", "pictures") as update:
        editing.draw(context, partial(service.typed_adhere, on_progress=update), "to", "start")


COMMANDS: Commands = {"direction": direction, "adhere": adhere}
