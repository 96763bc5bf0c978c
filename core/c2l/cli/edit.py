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

Ends = Annotated[list[str] | None, editing.ends("PNGs by c2l, prompts, or both.", "END")]
Two = Annotated[list[str] | None, editing.ends("A and B: PNGs by c2l, or prompts.", "END")]
Things = Annotated[list[str] | None, editing.ends("PNGs by c2l, or prompts.", "PICTURE")]
Frames = Annotated[int, option("Number of pictures.", "--frames", "-n")]
Layers = Annotated[
    list[str] | None,
    option("Layers to take from B, as in 0-3,7:0.5; repeat for more pictures."),
]
Share = Annotated[Fraction, option("Share of these layers, from 0 to 1.", default="1")]
Amount = Annotated[float, option("How far to go: 0 is the picture, 1 a fresh sample.", "--amount")]
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

    With one prompt and several seeds, it walks from seed to seed; without a prompt, through random
    pictures of the generator.
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


EXAMPLES = {
    "walk": 'c2l edit walk "a beach at noon" "mountains at night" --recipe demo-landscapes',
    "mix": 'c2l edit mix "a man with a beard" "a young blonde woman" --layers 0-3',
    "vary": "c2l edit vary pictures/a-man-s7.png --amount 0.3",
    "direction": """
c2l edit direction pictures/a-man-s7.png --start "a sad face" --end "a smiling face"
c2l edit direction --start "a sad face" --end "a smiling face" --save smile
c2l edit direction pictures/a-man-s7.png --direction smile --strength=-1,0,1
""",
    "adhere": 'c2l edit adhere pictures/a-man-s7.png --to "with sunglasses"',
    "like": 'c2l edit like photo.jpg --prompt "a woman"',
    "invert": "c2l edit invert photo.jpg",
    "video": """
c2l edit video "a man" "a woman" --loop --out walk.mp4
c2l edit video "a man" --start "a young face" --end "an old face" --strength=-1..1 --ping-pong
""",
}

COMMANDS: Commands = {
    "walk": walk,
    "mix": mix,
    "vary": vary,
    **edit_direction.COMMANDS,
    "like": like,
    "invert": invert,
    "video": video,
}
