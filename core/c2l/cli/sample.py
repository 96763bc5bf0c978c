"""``c2l sample``: prompts to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from c2l.cli import options, output
from c2l.cli.progress import progress

if TYPE_CHECKING:
    pass

EXAMPLES = """
c2l sample "a young blonde woman with eyeglasses and ear rings" --num 4

c2l sample "tropical beach" --recipe demo-landscapes --best-of 8 --seeds 1-4

c2l sample "a man" --also "a woman:0.5" --negative "glasses, hat:2" --adherence 0.8

c2l sample --from pictures/tropical-beach-s1.png --out again/
"""


def register(app: typer.Typer) -> None:
    app.command("sample", epilog=EXAMPLES)(sample)


def sample(
    prompt: Annotated[str | None, typer.Argument(help="What to draw.", show_default=False)] = None,
    num_images: Annotated[
        int | None, typer.Option("--num", "-n", help="Pictures of each prompt.", show_default="4")
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Seeds instead of --num, as in 1-4 or 1,2,5-10.", show_default="random"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the PNG files.")] = Path(
        "pictures"
    ),
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", "-r", help="A named trio of parts.", show_default="demo-faces"),
    ] = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    guidance: Annotated[
        float | None,
        typer.Option(help="How strongly to follow the prompt; 1 is plain.", show_default="prior's"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Evaluations of the prior.", show_default="prior's")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="Blend in another text, with a weight after a colon: --also 'a pirate:0.4'.",
            show_default=False,
        ),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(help="What to avoid: --negative 'beard, glasses:2'.", show_default=False),
    ] = None,
    adherence: options.Adherence = None,
    truncation: options.Truncation = None,
    best_of: options.BestOf = None,
    rank_by: options.RankBy = None,
    optimise: Annotated[
        int | None,
        typer.Option(help="Steps of gradient descent on each picture; slow.", show_default="0"),
    ] = None,
    prompts_file: Annotated[
        Path | None, typer.Option(help="A text file, one prompt a line.")
    ] = None,
    latents: Annotated[
        Path | None, typer.Option(help="Also write the latents, as safetensors.")
    ] = None,
    again: Annotated[
        Path | None,
        typer.Option("--from", help="Draw a PNG of c2l again, or a request in TOML or JSON."),
    ] = None,
    device: options.Device = "auto",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each picture on stdout.")
    ] = False,
) -> None:
    """Draw pictures of a prompt.

    Each picture is written as it is drawn. Interrupted, the same command goes on."""
    from c2l.service import Session, draw_into, typed_request

    request = typed_request(
        prompt,
        also=also or (),
        negative=negative or (),
        prompts_file=prompts_file,
        from_file=again,
        num_images=num_images,
        seeds=seeds,
        recipe=recipe,
        generator=generator,
        embedder=embedder,
        prior=prior,
        guidance=guidance,
        steps=steps,
        adherence=adherence,
        truncation=truncation,
        best_of=best_of,
        rank_by=rank_by,
        optimise=optimise,
        device=device,
        precision=precision,
    )
    output.warn_of_problems()
    session = Session(ask=licence_question(accept_licence), tell=output.say_notice)
    kept = []
    with progress("drawing", "pictures") as update:
        for drawn in draw_into(session, request, out, on_candidates=update):
            _print(drawn, as_json, session.milliseconds_loading)
            kept.append(drawn)
