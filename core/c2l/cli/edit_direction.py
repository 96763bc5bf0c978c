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

Things = Annotated[list[str] | None, editing.ends("PNGs of c2l, or prompts.", "PICTURE...")]
Start = Annotated[Text, option("What there is less of: 'a sad face'.")]
End = Annotated[Text, option("What there is more of: 'a smiling face'.")]
Without = Annotated[File, option("Folder of pictures, or --latents file, without the thing.")]
Shown = Annotated[File, option("The same, with the thing.")]
Component = Annotated[Number, option("Principal component of the latents, from 0.")]
Direction = Annotated[Text, option("A direction that --save wrote: its name, or a file.")]
Keep = Annotated[list[str] | None, option("What shall stay, in words; repeatable.")]
Strength = Annotated[str, option("1 shows it as pictures of it do. Also -1,0,1 and 0..1.5:7.")]
Save = Annotated[Text, option("Keep the direction: a name, as in smile, or a file.")]
To = Annotated[Text, option("What to show: 'with sunglasses'.")]
Instead = Annotated[Text, option("What is shown instead, if known.", default="any of its kind")]


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
    """Change one thing of pictures, more or less.

    From two prompts, two groups of pictures, the latent space itself, or a file."""
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
    """Change a picture until it shows one more thing, and as little else as can be."""
    with progress("finding moves", "pictures") as update:
        editing.draw(context, partial(service.typed_adhere, on_progress=update), "to", "start")


COMMANDS: Commands = {"direction": direction, "adhere": adhere}
