"""``c2l edit direction`` and ``c2l edit adhere``: one thing of a picture changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options
from c2l.cli.commands import Commands
from c2l.cli.options import File, Number, Text, option

Things = Annotated[list[str] | None, editing.ends("PNGs of c2l, or prompts.", "PICTURE...")]
Start = Annotated[Text, option("What there is less of: 'a sad face'.")]
End = Annotated[Text, option("What there is more of: 'a smiling face'.")]
Without = Annotated[File, option("Folder of pictures, or --latents file, without the thing.")]
Shown = Annotated[File, option("The same, with the thing.")]
Component = Annotated[Number, option("Principal component of the latents, from 0.")]
Direction = Annotated[File, option("A direction that --save wrote.")]
Keep = Annotated[list[str] | None, option("What shall stay, in words; repeatable.")]
Strength = Annotated[str, option("1 shows it as pictures of it do. Also -1,0,1 and 0..1.5:7.")]
Save = Annotated[File, option("Also write the direction, as safetensors.")]
To = Annotated[Text, option("What to show: 'with sunglasses'.")]
Instead = Annotated[Text, option("What is shown instead, if known.", default="any of its kind")]


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
    seeds: editing.Seeds = None,
    out: editing.Out = Path("pictures"),
    recipe: editing.Recipe = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    guidance: editing.Guidance = None,
    negative: editing.Negative = None,
    adherence: options.Adherence = None,
    truncation: editing.Truncation = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: editing.Lines = False,
) -> None:
    """Change one thing of pictures, more or less.

    From two prompts, two groups of pictures, the latent space itself, or a file."""
    editing.draw(
        context,
        service.typed_direction,
        *("start", "end", "without", "shown", "component", "direction"),
        *("keep", "strength", "save"),
    )


def adhere(
    context: typer.Context,
    ends: Things = None,
    to: To = None,
    start: Instead = None,
    seeds: editing.Seeds = None,
    out: editing.Out = Path("pictures"),
    recipe: editing.Recipe = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    guidance: editing.Guidance = None,
    negative: editing.Negative = None,
    adherence: options.Adherence = None,
    truncation: editing.Truncation = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: editing.Lines = False,
) -> None:
    """Change a picture until it shows one more thing, and as little else as can be."""
    editing.draw(context, service.typed_adhere, "to", "start")


COMMANDS: Commands = {"direction": direction, "adhere": adhere}
