"""``c2l sample``: prompts to pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli import options, output
from c2l.cli.fetching import Downloads, licence_question
from c2l.cli.progress import progress

if TYPE_CHECKING:
    from c2l.service import Drawn

EXAMPLES = """
c2l sample "a young blonde woman with eyeglasses and ear rings" --num 4

c2l sample "tropical beach" --recipe demo-landscapes --best-of 8 --seeds 1-4

c2l sample "a man" --also "a woman:0.5" --negative "glasses, hat:2" --adherence 0.8

c2l sample --from pictures/tropical-beach-s1.png --out again/
"""

Prompt = Annotated[str | None, typer.Argument(help="What to draw.", show_default=False)]
Num = Annotated[
    int | None, typer.Option("--num", "-n", help="Pictures of each prompt.", show_default="4")
]
Seeds = Annotated[
    str | None,
    typer.Option(help="Seeds instead of --num, as in 1-4 or 1,2,5-10.", show_default="random"),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the PNG files.")]
Recipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="A named trio of parts.", show_default="demo-faces"),
]
Guidance = Annotated[
    float | None,
    typer.Option(help="How strongly to follow the prompt; 1 is plain.", show_default="prior's"),
]
Steps = Annotated[
    int | None, typer.Option(help="Evaluations of the prior.", show_default="prior's")
]
Also = Annotated[
    list[str] | None,
    typer.Option(
        help="Blend in another text, with a weight after a colon: --also 'a pirate:0.4'.",
        show_default=False,
    ),
]
Negative = Annotated[
    list[str] | None,
    typer.Option(help="What to avoid: --negative 'beard, glasses:2'.", show_default=False),
]
Optimise = Annotated[
    int | None,
    typer.Option(help="Steps of gradient descent on each picture; slow.", show_default="0"),
]
PromptsFile = Annotated[Path | None, typer.Option(help="A text file, one prompt a line.")]
Latents = Annotated[Path | None, typer.Option(help="Also write the latents, as safetensors.")]
From = Annotated[
    Path | None,
    typer.Option("--from", help="Draw a PNG of c2l again, or a request in TOML or JSON."),
]
Lines = Annotated[bool, typer.Option("--json", help="One line of JSON for each picture on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("sample", epilog=EXAMPLES)(sample)


def sample(
    context: typer.Context,
    prompt: Prompt = None,
    num_images: Num = None,
    seeds: Seeds = None,
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
    prompts_file: PromptsFile = None,
    latents: Latents = None,
    from_file: From = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    as_json: Lines = False,
) -> None:
    """Draw pictures of a prompt.

    Each picture is written as it is drawn. Interrupted, the same command goes on."""
    from c2l.service import LatentsFile, Session, draw_into, typed_request

    mine = {"out", "latents", "accept_licence", "as_json"}
    request = typed_request(**{n: v for n, v in context.params.items() if n not in mine})
    output.warn_of_problems()
    session = Session(
        ask=licence_question(accept_licence), tell=output.say, on_download=Downloads()
    )
    file = LatentsFile(latents, session) if latents is not None else None
    num_new, spent = 0, 0.0
    with progress("drawing", "pictures") as update:
        for item in draw_into(session, request, out, on_candidates=update):
            if isinstance(item, Path):
                output.talk(f"grid: {item}")
                continue
            _print(item, as_json, session.milliseconds_loading)
            if file is not None:
                file.add(item)
            if item.picture is not None:
                num_new, spent = num_new + 1, spent + sum(item.picture.milliseconds.values())
    if file is not None:
        file.write()
    output.talk(f"drew {num_new} in {spent:.0f} ms")


def _print(drawn: Drawn, as_json: bool, loading: float) -> None:
    line: dict[str, Any] = {"path": str(drawn.path), **drawn.record}
    if drawn.picture is not None:
        line["milliseconds"] = {"loading": loading, **drawn.picture.milliseconds}
    output.data(json.dumps(line, ensure_ascii=False) if as_json else str(drawn.path))
