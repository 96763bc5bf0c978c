"""``c2l sample``: prompts to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import editing, options, output
from c2l.cli.commands import fields_of
from c2l.cli.fetching import downloads, questions
from c2l.cli.options import File, Fraction, Number, Text, option
from c2l.cli.progress import drew, progress

EXAMPLES = """
c2l sample "a young blonde woman with eyeglasses and ear rings" --num 4
c2l sample "tropical beach" --recipe demo-landscapes --best-of 8 --seeds 1-4
c2l sample "a man" --also "a woman:0.5" --negative "eyeglasses, beard:2" --adherence 0.8
c2l sample "a woman" --image photo.jpg --weight 0.6
c2l sample --from pictures/tropical-beach-s1.png --out again/
"""

Prompt = Annotated[Text, typer.Argument(help="What to draw.", show_default=False)]
Num = Annotated[Number, option("Pictures for each prompt.", "--num", "-n", default="4")]
Out = Annotated[Path, option("Folder for the PNG files.", "--out", "-o")]
Recipe = Annotated[Text, option("A named set of parts.", "--recipe", "-r", default="demo-faces")]
Guidance = Annotated[Fraction, option("Strength of guidance; 1 is none.", default="prior's")]
Steps = Annotated[Number, option("Steps of the prior.", default="prior's")]
Also = Annotated[
    list[str] | None,
    option("Blend in another text, with a weight after a colon: --also 'a pirate:0.4'."),
]
Negative = Annotated[list[str] | None, option("What to avoid: --negative 'beard, glasses:2'.")]
Optimise = Annotated[Number, option("Gradient steps on each picture; slow.", default="0")]
Image = Annotated[File, option("Draw what this photo shows, alone or with the prompt.")]
Weight = Annotated[
    Fraction,
    option("Weight of the image: 0 is the prompt alone, 1 the image alone.", default="0.5"),
]
PromptsFile = Annotated[File, option("A text file with one prompt per line.")]
Latents = Annotated[File, option("Also write the latents to a safetensors file.")]
From = Annotated[File, option("Draw a PNG by c2l again, or a request in TOML or JSON.", "--from")]
Lines = Annotated[bool, option("Print a line of JSON for each picture.", "--json")]


def sample(
    context: typer.Context,
    prompt: Prompt = None,
    num_images: Num = None,
    seeds: options.Seeds = None,
    out: Out = Path("pictures"),
    recipe: Recipe = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    guidance: Guidance = None,
    steps: Steps = None,
    also: Also = None,
    negative: Negative = None,
    adherence: options.Adherence = None,
    truncation: options.Truncation = None,
    best_of: options.BestOf = None,
    rank_by: options.RankBy = None,
    optimise: Optimise = None,
    class_label: options.Class = None,
    image: Image = None,
    weight: Weight = None,
    prompts_file: PromptsFile = None,
    latents: Latents = None,
    from_file: From = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Lines = False,
) -> None:
    """Draw pictures of a prompt.

    Each picture is written as soon as it is drawn. If interrupted, run the same command again to
    resume."""
    if image is not None:
        editing.draw_made(context, service.typed_like)
        return
    request = service.typed_request(**fields_of(context, "out", "latents", "image"))
    output.warn_of_problems()
    milliseconds: list[float] = []
    with downloads() as on_download, progress("drawing", "pictures") as update:
        ask = questions(accept_licence, accept_programs)
        session = service.Session(ask=ask, tell=output.say, on_download=on_download)
        file = service.LatentsFile(latents, session) if latents is not None else None

        def show(drawn: service.Drawn) -> None:
            editing.print_drawn(drawn, as_json, session.milliseconds_loading)
            if file is not None:
                file.add(drawn)
            if drawn.picture is not None:
                milliseconds.append(sum(drawn.picture.milliseconds.values()))

        pages = service.draw_into(session, request, out, on_picture=show, on_candidates=update)
    for page in pages:
        output.talk(f"grid: {page}")
    if file is not None:
        file.write()
    output.talk(drew(len(milliseconds), sum(milliseconds)))
