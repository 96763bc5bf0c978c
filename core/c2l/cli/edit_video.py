"""``c2l edit video``: a walk as a video."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, output
from c2l.cli.commands import fields_of
from c2l.cli.options import File, Text, option
from c2l.cli.progress import progress

WALK = ("frames", "path", "loop", "spacing")
TURN = ("start", "end", "direction", "strength")
SHOWN = ("fps", "easing", "ping_pong", "sound")

Ends = Annotated[list[str] | None, editing.ends("PNGs of c2l, and prompts.", "[END]...")]
Frames = Annotated[int, option("Frames of the walk.", "--frames", "-n")]
Start = Annotated[Text, option("Turn one picture: what there is less of.")]
End = Annotated[Text, option("What there is more of.")]
Direction = Annotated[Text, option("The same by what c2l edit direction --save wrote.")]
Strength = Annotated[Text, option("How far it turns.", default="-1..1")]
Fps = Annotated[float, option("Frames a second.")]
Ease = Annotated[str, option("linear, smooth, in or out.", "--easing")]
PingPong = Annotated[bool, option("Show the way back as well.", "--ping-pong")]
Sound = Annotated[File, option("A wav or mp3 that moves it: loud is the last frame.")]
Out = Annotated[
    File, option(".mp4, .webm, .webp or .gif.", "--out", "-o", default="pictures/NAME.mp4")
]
Line = Annotated[bool, option("One line of JSON on stdout.", "--json")]


@editing.edit()
def video(
    context: typer.Context,
    ends: Ends = None,
    frames: Frames = 120,
    path: editing.Way = None,
    loop: editing.Loop = False,
    spacing: editing.Spacing = None,
    start: Start = None,
    end: End = None,
    direction: Direction = None,
    strength: Strength = None,
    fps: Fps = 30.0,
    easing: Ease = "linear",
    ping_pong: PingPong = False,
    sound: Sound = None,
    out: Out = None,
    as_json: Line = False,
) -> None:
    """Draw a walk from picture to picture, or a picture turned along a direction, as a video.

    Frames are written as they are drawn. After Ctrl-C, or on a full disk, the video plays as far as
    it was drawn.
    """
    service.check_video_first(out, fps)
    given = context.params
    with (
        progress("making the direction", "pictures") as making,
        editing.opened(context, "drawing", "frames") as (session, update),
    ):
        ends_typed = service.open_ends(session, **fields_of(context, "out", *WALK, *TURN, *SHOWN))
        along = {name: given[name] for name in (*WALK, *TURN)}
        track = service.typed_track(session, ends_typed, **along, on_progress=making)
        shown = {name: given[name] for name in SHOWN}
        made = service.draw_video(track, out, **shown, on_frame=update)
    line = {"path": str(made.path), "frames": made.num_frames, "fps": float(made.fps)}
    output.data(json.dumps(line, ensure_ascii=False) if as_json else str(made.path))
    output.talk(f"{made.num_frames:,} frames, {made.seconds:.1f} s")
