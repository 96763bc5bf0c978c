"""``c2l edit like``: pictures that show what a photo shows."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options
from c2l.cli.options import File, Fraction, Number, Text, option

Photo = Annotated[
    File, typer.Argument(help="A picture of any origin.", metavar="PHOTO", show_default=False)
]
Prompt = Annotated[Text, option("A text to blend it with.")]
Weight = Annotated[
    Fraction, option("Of the photo: 0 is the prompt alone, 1 the photo.", default="0.5")
]
Num = Annotated[Number, option("Pictures.", "--num", "-n", default="4")]


@editing.edit()
def like(
    context: typer.Context,
    image: Photo = None,
    prompt: Prompt = None,
    weight: Weight = None,
    num_images: Num = None,
    recipe: editing.DemoRecipe = None,
    truncation: options.Truncation = None,
) -> None:
    """Draw what a photo shows, alone or blended with a prompt, as c2l sample --image does."""
    editing.draw_made(context, service.typed_like)
