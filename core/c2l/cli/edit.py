"""``c2l edit``: from pictures, prompts or seeds to other pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import edit_direction, editing
from c2l.cli.commands import Commands
from c2l.cli.edit_invert import invert
from c2l.cli.edit_like import like
from c2l.cli.edit_video import video
from c2l.cli.options import Fraction, option

Ends = Annotated[list[str] | None, editing.ends("PNGs of c2l, prompts, or both.", "END")]
Two = Annotated[list[str] | None, editing.ends("A and B: PNGs of c2l or prompts.", "END")]
Things = Annotated[list[str] | None, editing.ends("PNGs of c2l or prompts.", "PICTURE")]
Frames = Annotated[int, option("Pictures of the walk.", "--frames", "-n")]
Layers = Annotated[
    list[str] | None,
    option("What comes from B: --layers 0-3,7:0.5; given again, another picture."),
]
Share = Annotated[Fraction, option("How much of these layers, 0 to 1.", default="1")]
Amount = Annotated[float, option("How far: 0 is the same, 1 a fresh sample.", "--amount")]
Num = Annotated[int, option("Neighbours of each picture.", "--num", "-n")]


@editing.edit()
def walk(
    context: typer.Context,
    ends: Ends = None,
    frames: Frames = 8,
    path: editing.Way = None,
    loop: editing.Loop = False,
    spacing: editing.Spacing = None,
) -> None:
    """Walk from picture to picture, in steps that look equal.

    Several seeds with one prompt walk from seed to seed; without a prompt, through pictures of the
    generator's own.
    """
    editing.draw(context, service.typed_walk, "frames", "path", "loop", "spacing")


@editing.edit()
def mix(
    context: typer.Context,
    ends: Two = None,
    layers: Layers = None,
    share: Share = None,
) -> None:
    """Draw A with some layers of B, counted from 0, the coarsest."""
    editing.draw(context, service.typed_mix, "layers", "share")


@editing.edit()
def vary(
    context: typer.Context,
    ends: Things = None,
    amount: Amount = 0.4,
    num: Num = 7,
) -> None:
    """Draw neighbours of a picture, near or far."""
    editing.draw(context, service.typed_vary, "amount", "num")


COMMANDS: Commands = {
    "walk": walk,
    "mix": mix,
    "vary": vary,
    **edit_direction.COMMANDS,
    "like": like,
    "invert": invert,
    "video": video,
}
