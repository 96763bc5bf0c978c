"""``c2l edit like``: pictures that show what a photo shows."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options
from c2l.cli.options import File, Number, Text, option

Photo = Annotated[File, typer.Argument(help="A picture of any origin.", show_default=False)]
Prompt = Annotated[Text, option("A text to blend it with.")]
Weight = Annotated[float, option("Of the photo: 0 is the prompt alone, 1 the photo.")]
Num = Annotated[int, option("Pictures.", "--num", "-n")]
Seed = Annotated[Number, option("Of the first picture.", default="random")]


@editing.edit(without="seeds")
def like(
    context: typer.Context,
    photo: Photo = None,
    prompt: Prompt = None,
    weight: Weight = 0.5,
    num: Num = 4,
    seed: Seed = None,
    recipe: editing.DemoRecipe = None,
    truncation: options.Truncation = None,
) -> None:
    """Draw what a photo shows, alone or blended with a prompt."""
    editing.draw_made(context, service.typed_like)
