"""``c2l edit like``: pictures that show what a photo shows."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options
from c2l.cli.options import File, Fraction, Number, Text, option

Photo = Annotated[File, typer.Argument(help="A picture file.", metavar="PHOTO", show_default=False)]
Prompt = Annotated[Text, option("A text to blend with the photo.")]
Weight = Annotated[
    Fraction,
    option("Weight of the photo: 0 is the prompt alone, 1 the photo alone.", default="0.5"),
]
Num = Annotated[Number, option("Number of pictures.", "--num", "-n", default="4")]


@editing.edit()
def like(
    context: typer.Context,
    image: Photo = None,
    prompt: Prompt = None,
    weight: Weight = None,
    num_images: Num = None,
    seeds: options.Seeds = None,
    recipe: editing.DemoRecipe = None,
    truncation: options.Truncation = None,
) -> None:
    """Draw what a photo shows, alone or with a prompt.

    The same as c2l sample --image."""
    editing.draw_made(context, service.typed_like)
