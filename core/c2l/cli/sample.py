"""``c2l sample``: prompts to pictures."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from c2l.cli import options, output, pictures
from c2l.cli.fetching import fetch_with_consent, named_parts
from c2l.errors import BadInput
from c2l.prompts.files import read_prompts

if TYPE_CHECKING:
    from c2l.embedder import Embedder
    from c2l.pipeline import Pipeline, RankBy, Result

EXAMPLES = """
c2l sample "a young blonde woman with eyeglasses and ear rings" --num 4

c2l sample "tropical beach" --recipe demo-landscapes --best-of 8 --seeds 1-4

c2l sample "a man" --also "a woman:0.5" --negative glasses --adherence 0.8

c2l sample --from pictures/tropical-beach-s1.png --out again/
"""


def register(app: typer.Typer) -> None:
    app.command("sample", epilog=EXAMPLES)(sample)


def sample(
    prompt: Annotated[str | None, typer.Argument(help="What to draw.", show_default=False)] = None,
    num: options.NumImages = 4,
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
            help="Blend in another text, with a weight after a colon if not 1: "
            "--also 'a pirate:0.4'.",
            show_default=False,
        ),
    ] = None,
    negative: Annotated[
        str | None, typer.Option(help="What to stay away from.", show_default="nothing")
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
        Path | None, typer.Option("--from", help="Draw a PNG that c2l wrote once more.")
    ] = None,
    device: options.Device = "cpu",
    precision: options.Precision = None,
    accept_licence: options.AcceptLicence = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each picture on stdout.")
    ] = False,
) -> None:
    """Draw pictures of a prompt."""
    asked: dict[str, Any] = {
        "guidance": guidance,
        "steps": steps,
        "adherence": adherence,
        "negative": negative,
        "truncation": truncation,
        "optimise": optimise,
    }
    explicit = [name for name, value in asked.items() if value is not None]
    if again is not None:
        if prompt or prompts_file or seeds:
            raise BadInput(
                "--from already brings a prompt and a seed", hint="Leave out the other ones"
            )
        record = _recorded(again)
        seed_list = [record["seed"]]
        recipe = recipe or record["recipe"] or None
        if not recipe:
            from c2l.resolving import resolve_beside

            generator = generator or resolve_beside(record["generator"], again.parent)
            embedder = embedder or resolve_beside(record["embedder"], again.parent)
            prior = prior or resolve_beside(record["prior"], again.parent)
        used = record["settings"]
        asked = {k: used.get(k) if value is None else value for k, value in asked.items()}
        also = used.get("also") if also is None else also
        precision = precision or record.get("precision")
        best_of = best_of or 1  # the recorded seed is already the winner's
        texts = [record["prompt"]]
    else:
        texts = _prompts(prompt, prompts_file)
        seed_list = _seeds(seeds, num)
    blend = parse_blend(also or [])

    start = time.perf_counter()
    from c2l.devices import resolve_device, resolve_precision
    from c2l.loading import load_pipeline
    from c2l.pipeline import SamplingSettings

    given = {**asked, "best_of": best_of, "rank_by": rank_by}
    SamplingSettings(**{k: v for k, v in given.items() if v is not None})
    precision = precision or "float32"
    resolve_precision(precision, resolve_device(device))
    pictures.make_folder(out)
    parts = named_parts(output.warned_registry(), recipe, generator, embedder, prior)
    before = time.perf_counter()
    fetch_with_consent(parts, accept_licence=accept_licence)
    start += time.perf_counter() - before  # the network's time is not ours
    pipeline = load_pipeline(
        recipe,
        generator=generator,
        embedder=embedder,
        prior=prior,
        device=device,
        precision=precision,
    )
    loading = (time.perf_counter() - start) * 1000
    output.warn_of_unheard(pipeline.prior, explicit)
    against = [asked["negative"]] if asked["negative"] else []
    _say_what_is_not_read(pipeline.embedder, [*texts, *blend, *against])
    result = pipeline(
        [{text: 1.0, **blend} for text in texts],
        seeds=seed_list,
        best_of=best_of,
        rank_by=cast("RankBy | None", rank_by),
        **asked,
    )
    _say_what_is_far(pipeline, result)
    records = pictures.records_of(pipeline, result, texts, also or [], precision, loading)
    pictures.write(records, result, out, columns=len(seed_list), as_json=as_json)
    if latents is not None:
        pictures.write_latents(latents, result)


def parse_seeds(text: str) -> list[int]:
    """``1,2,5-10`` to a list of seeds.

    Raises:
        BadInput: anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise BadInput(f"'{text}' are no seeds", hint="Write them as in --seeds 1,2,5-10")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise BadInput(f"'{part.strip()}' runs backwards", hint=f"Write {last}-{first}")
        seeds.extend(range(first, last + 1))
    return seeds


def parse_blend(also: list[str]) -> dict[str, float]:
    """``["a pirate:0.4"]`` to ``{"a pirate": 0.4}``; without a number the weight is 1.

    Raises:
        BadInput: a word right after the last colon. After a blank it belongs to the text, as in
            ``a man: smiling``.
    """
    blend = {}
    for given in also:
        text, colon, weight = given.rpartition(":")
        try:
            blend[text.strip() if colon else given] = float(weight) if colon else 1.0
        except ValueError:
            if not weight[:1].isspace():
                raise BadInput(
                    f"the weight '{weight}' in --also '{given}' is no number",
                    hint=f"Write --also '{text}:0.5', or a blank after a colon of the text itself",
                ) from None
            blend[given] = 1.0
    return blend


def _seeds(text: str | None, num: int) -> list[int]:
    if text is not None:
        return parse_seeds(text)
    if num < 1:
        raise BadInput(f"--num {num} asks for no picture", hint="Use --num 1 or more")
    first = random.SystemRandom().randrange(1_000_000)
    return list(range(first, first + num))


def _prompts(prompt: str | None, file: Path | None) -> list[str]:
    if (prompt is None) == (file is None):
        raise BadInput(
            "there is nothing to draw" if prompt is None else "two sources of prompts",
            hint='Give one prompt, as in c2l sample "a happy man", or one --prompts-file',
        )
    if file is None:
        return [prompt or ""]
    return read_prompts(file)


def _recorded(path: Path) -> dict[str, Any]:
    from c2l.images import read_png

    record = read_png(path)
    if "prompt" not in record or "seed" not in record:
        raise BadInput(f"{path} is a grid of several pictures", hint="Give one of the pictures")
    return record


def _say_what_is_not_read(embedder: Embedder, prompts: list[str]) -> None:
    for prompt in prompts:
        reading = embedder.read_text(prompt)
        if reading.unknown:
            words = ", ".join(f"'{word}'" for word in reading.unknown)
            output.warn(f"{embedder.reference} has never seen {words}; drawing without")
        if reading.cut:
            output.warn(f"the prompt is too long for {embedder.reference}; cut: '{reading.cut}'")


def _say_what_is_far(pipeline: Pipeline, result: Result) -> None:
    from c2l.prompts.far import far_prompts

    for prompt in far_prompts(pipeline, result):
        output.warn(
            f"'{prompt}' is far from what {pipeline.generator.reference} draws; "
            "this is the nearest it can do"
        )
