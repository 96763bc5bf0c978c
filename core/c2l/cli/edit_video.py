"""``c2l edit video``: a walk as a video."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import File, Text, option
from c2l.cli.progress import progress

WALK = ("frames", "path", "loop", "spacing")
TURN = ("start", "end", "direction", "strength")
SHOWN = ("fps", "easing", "ping_pong", "sound")

Ends = Annotated[list[str] | None, editing.ends("PNGs of c2l, and prompts.", "[END]...")]
Frames = Annotated[int, option("Frames of the walk.", "--frames", "-n")]
Way = Annotated[Text, option("prior, slerp or linear.", default="prior, else slerp")]
Loop = Annotated[bool, option("Come back to the beginning.", "--loop")]
Spacing = Annotated[Text, option("seen: even to the eye; path: along the path.", default="seen")]
Start = Annotated[Text, option("Turn one picture: what there is less of.")]
End = Annotated[Text, option("What there is more of.")]
Direction = Annotated[File, option("The same by a file of c2l edit direction --save.")]
Strength = Annotated[Text, option("How far it turns.", default="-1..1")]
Fps = Annotated[float, option("Frames a second.")]
Ease = Annotated[str, option("linear, smooth, in or out.", "--easing")]
PingPong = Annotated[bool, option("Show the way back as well.", "--ping-pong")]
Sound = Annotated[File, option("A wav or mp3 that moves it: loud is the last frame.")]
Out = Annotated[
    File, option(".mp4, .webm, .webp or .gif.", "--out", "-o", default="pictures/NAME.mp4")
]
Line = Annotated[bool, option("One line of JSON on stdout.", "--json")]


def video(
    context: typer.Context,
    ends: Ends = None,
    frames: Frames = 120,
    path: Way = None,
    loop: Loop = False,
    spacing: Spacing = None,
    start: Start = None,
    end: End = None,
    direction: Direction = None,
    strength: Strength = None,
    fps: Fps = 30.0,
    easing: Ease = "linear",
    ping_pong: PingPong = False,
    sound: Sound = None,
    seeds: editing.Seeds = None,
    out: Out = None,
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
    as_json: Line = False,
) -> None:
    """Draw a walk from picture to picture, or a picture turned along a direction, as a video.

    Frames are written as they are drawn. After Ctrl-C, or on a full disk, the video plays as far as
    it was drawn.
    """
    service.check_video_first(out, fps)
    output.warn_of_problems()
    given = context.params
    with downloads() as on_download, progress("drawing", "frames") as update:
        ask = questions(accept_licence, accept_programs)
        session = service.Session(ask=ask, tell=output.say, on_download=on_download)
        opened = service.open_ends(session, **fields_of(context, "out", *WALK, *TURN, *SHOWN))
        track = service.typed_track(session, opened, **{n: given[n] for n in (*WALK, *TURN)})
        shown = {name: given[name] for name in SHOWN}
        made = service.draw_video(track, out, **shown, on_frame=update)
    line = {"path": str(made.path), "frames": made.num_frames, "fps": float(made.fps)}
    output.data(json.dumps(line, ensure_ascii=False) if as_json else str(made.path))
    output.talk(f"{made.num_frames:,} frames, {made.seconds:.1f} s")
