"""``c2l live``: a picture that is played like an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import Fraction, Text, option
from c2l.cli.serve import Host, Port, Token, TokenFile
from c2l.web import starting

if TYPE_CHECKING:
    from c2l.service import LivePicture

EXAMPLES = """
c2l live "a man" --direction "smile=a sad face -> a smiling face"
c2l live "tropical beach" --recipe demo-landscapes --walk 0.2 --glide 2
"""

Prompt = Annotated[
    Text, typer.Argument(help="What to draw; without it, any pictures.", show_default=False)
]
Seed = Annotated[Fraction, option("Seed; 3.25 lies between seeds 3 and 4.", default="0")]
Directions = Annotated[
    list[str] | None,
    option("A direction to control: NAME=START -> END, or NAME=FILE; repeatable.", "--direction"),
]
Glide = Annotated[Fraction, option("Seconds to glide from one picture to the next.", default="0.5")]
Walk = Annotated[Fraction, option("Seeds to walk per second.", default="0")]
Fps = Annotated[float, option("Maximum frames per second.")]
Recipe = Annotated[Text, option("A named set of parts.", "--recipe", "-r", default="demo-faces")]
Guidance = Annotated[Fraction, option("How strongly to follow the prompt.", default="prior's")]
OscHost = Annotated[str, option("Address to listen on for OSC; 0.0.0.0 listens on all.")]
OscPort = Annotated[int, option("UDP port for OSC; 0 picks a free one.")]

_BOTH = ("directions", "class_label")
_VALUES = ("prompt", "seed", "glide", "walk", "guidance", "adherence", "truncation", *_BOTH)
_SHOWN = ("fps", "host", "port", "token", "token_file", "osc_host", "osc_port")


def live(
    context: typer.Context,
    prompt: Prompt = None,
    seed: Seed = None,
    directions: Directions = None,
    glide: Glide = None,
    walk: Walk = None,
    fps: Fps = 30.0,
    recipe: Recipe = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    guidance: Guidance = None,
    adherence: options.Adherence = None,
    truncation: options.Truncation = None,
    class_label: options.Class = None,
    host: Host = "127.0.0.1",
    port: Port = 8001,
    token: Token = None,
    token_file: TokenFile = None,
    osc_host: OscHost = "127.0.0.1",
    osc_port: OscPort = 9000,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
) -> None:
    """Show a live picture, controlled over OSC.

    OSC messages change its prompt, seed, directions and more; watch it in a browser, in OBS or
    elsewhere."""
    starting.check_live(fps)
    values = service.typed_live(**{name: context.params[name] for name in _VALUES})
    settings = starting.typed_settings(host=host, port=port, token=token, token_file=token_file)
    output.warn_of_problems()
    parts = fields_of(context, *(name for name in _VALUES if name not in _BOTH), *_SHOWN)

    def opened() -> LivePicture:
        with downloads() as on_download:
            ask = questions(accept_licence, accept_programs)
            session = service.Session(ask=ask, tell=output.say, on_download=on_download)
            return service.open_live(session, **parts)

    def ready(address: str, osc: int) -> None:
        output.talk(f"showing {address}/ and {address}/stream.mjpg")
        output.talk(f"listening to OSC on {osc_host} port {osc}: /c2l/prompt, /c2l/seed …")

    osc = osc_host, osc_port
    starting.show_live(opened, values, settings, fps=fps, osc=osc, say=output.warn, on_ready=ready)
