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

Ends = Annotated[list[str] | None, editing.ends("PNGs by c2l, or prompts.", "END")]
Frames = Annotated[int, option("Number of frames.", "--frames", "-n")]
Start = Annotated[Text, option("Move one picture away from this prompt.")]
End = Annotated[Text, option("Move it towards this prompt.")]
Direction = Annotated[Text, option("Or move it along a saved direction.")]
Strength = Annotated[Text, option("How far to move it.", default="-1..1")]
Fps = Annotated[float, option("Frames per second.")]
Ease = Annotated[str, option("linear, smooth, in or out.", "--easing")]
PingPong = Annotated[bool, option("Also show the way back.", "--ping-pong")]
Sound = Annotated[
    File, option("A wav or mp3 to drive it: the louder, the nearer to the last frame.")
]
Out = Annotated[
    File, option("File: .mp4, .webm, .webp or .gif.", "--out", "-o", default="pictures/NAME.mp4")
]
Line = Annotated[bool, option("Print a line of JSON.", "--json")]


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
    """Draw a walk, or a move along a direction, as a video.

    Frames are written as they are drawn. After Ctrl-C, or if the disk is full, the video contains
    the frames drawn so far.
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
