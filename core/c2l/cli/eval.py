"""``c2l eval``: scores of a recipe on prompts, with a report; and finished runs side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from c2l.cli import options, output
from c2l.cli.fetching import fetch_with_consent, named_parts
from c2l.cli.progress import progress
from c2l.errors import BadInput, ExitCode

if TYPE_CHECKING:
    from c2l.embedder import Embedder
    from c2l.evaluation import Question
    from c2l.pipeline import Pipeline

EXAMPLES = """
c2l eval demo-faces

c2l eval demo-faces --guidance 1,1.5,2 --steps 4,8,32 --out sweep

c2l eval -p ./mine.safetensors --prompts prompts.txt --independent openclip:ViT-L-14/openai

c2l eval --compare evaluation sweep --out side-by-side
"""

DEFAULT_OUT = Path("evaluation")
COMPARISON = "comparison.html"

Number = TypeVar("Number", int, float)
Value = TypeVar("Value")


def register(app: typer.Typer) -> None:
    app.command("eval", epilog=EXAMPLES)(evaluate)


def evaluate(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe; with --compare, folders of finished runs."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Put finished runs side by side.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder.", show_default="evaluation")
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="A text file, one prompt a line.", show_default="the recipe's judge"),
    ] = None,
    num: options.NumImages = 4,
    num_prompts: Annotated[int, typer.Option(help="Captions to ask the recipe's judge for.")] = 200,
    prompt_seed: Annotated[int, typer.Option(help="Which captions the judge gives.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the first picture.")] = 0,
    guidance: Annotated[
        str | None, typer.Option(help="Values to sweep, as in 1,1.5,2.", show_default="prior's")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Values to sweep, as in 4,8,32.", show_default="prior's")
    ] = None,
    adherence: options.Adherence = None,
    truncation: options.Truncation = None,
    best_of: options.BestOf = None,
    rank_by: options.RankBy = None,
    independent: Annotated[
        str | None, typer.Option(help="An embedder that had no part in the recipe, to score by.")
    ] = None,
    reference: Annotated[
        int, typer.Option(help="Pictures of the generator's own to compare with.")
    ] = 1024,
    fid: Annotated[bool, typer.Option("--fid", help="Also FID and KID: c2l[eval].")] = False,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    device: options.Device = "cpu",
    accept_licence: options.AcceptLicence = False,
    as_json: options.Json = False,
) -> None:
    """Score a recipe: alignment, quality, diversity, accuracy, cost.

    Interrupted, the same command goes on where it stopped.
    """
    names = names or []
    if compare:
        if useless := _given(context) - {"names", "--compare", "--out", "--json"}:
            raise BadInput(
                f"--compare takes finished runs only, not {', '.join(sorted(useless))}",
                hint="c2l eval --compare FOLDER FOLDER",
            )
        _compare([Path(name) for name in names], out, as_json)
        return

    faults: list[str] = []
    if len(names) > 1:
        faults.append(f"{len(names)} recipes are given")
    if num_prompts < 1:
        faults.append(f"--num-prompts {num_prompts} asks for none")
    guidances: list[float | None] = [*_values("guidance", guidance, float, faults)] or [None]
    step_list: list[int | None] = [*_values("steps", steps, int, faults)] or [None]
    recipe = names[0] if names else None

    from c2l.devices import resolve_device
    from c2l.evaluation import EvaluationInterrupted, evaluate, read_prompts
    from c2l.evaluation.plan import make_plan
    from c2l.evaluation.tables import scores_table
    from c2l.fetching import find_missing
    from c2l.loading import load_embedder, load_pipeline
    from c2l.pipeline import SamplingSettings

    given = {
        "adherence": adherence,
        "truncation": truncation,
        "best_of": best_of,
        "rank_by": rank_by,
    }
    changed: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    _checked(faults, lambda: SamplingSettings(**changed))

    texts = _checked(faults, lambda: read_prompts(prompts)) if prompts else None
    _checked(
        faults,
        lambda: make_plan(
            texts or ["one"],
            num_images=num,
            seed=seed,
            guidance=guidances,
            steps=step_list,
            num_reference=reference,
        ),
    )
    if faults:
        raise BadInput("; ".join(faults), hint="See: c2l eval --help")

    resolve_device(device)
    parts = named_parts(output.warned_registry(), recipe, generator, embedder, prior)

    def load() -> tuple[Pipeline, Sequence[str] | Sequence[Question]]:
        pipeline = load_pipeline(
            recipe, generator=generator, embedder=embedder, prior=prior, device=device
        )
        pipeline.settings = dataclasses.replace(pipeline.settings, **changed)
        return pipeline, texts or _questions(pipeline, num_prompts, prompt_seed)

    # What is wrong with parts that are here is said before anybody is asked for a licence.
    loaded = None if find_missing(parts) else load()
    fetch_with_consent([*parts, *filter(None, [independent])], accept_licence=accept_licence)
    pipeline, asked = loaded or load()
    other = load_embedder(independent, device=device) if independent else None
    output.warn_of_unheard(
        pipeline.prior,
        [
            *(["guidance"] if guidance and len(guidances) == 1 else []),
            *(["steps"] if steps and len(step_list) == 1 else []),
            *(["adherence"] if adherence is not None else []),
        ],
    )
    _say_what_is_not_read([p for p in (pipeline.embedder, other) if p], asked)
    folder = out or DEFAULT_OUT
    try:
        with progress("evaluating", "pictures") as update:
            evaluation = evaluate(
                pipeline,
                asked,
                independent=other,
                num_images=num,
                seed=seed,
                guidance=guidances,
                steps=step_list,
                num_reference=reference,
                fid=fid,
                out=folder,
                on_progress=update,
            )
    except EvaluationInterrupted as stop:
        output.talk(f"interrupted: {stop}. Give the same command again to go on")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if as_json:
        output.print_json(evaluation.summary())
    else:
        output.print_table(*scores_table(evaluation))
    output.talk(f"report: {folder / 'report.html'}")


def _given(context: typer.Context) -> set[str]:
    """The arguments and options that were typed."""
    return {
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name and "COMMANDLINE" in str(context.get_parameter_source(parameter.name))
    }


def _checked(faults: list[str], make: Callable[[], Value]) -> Value | None:
    """A value, or None and one more fault: all of them are said at once."""
    try:
        return make()
    except BadInput as error:
        faults.append(error.message)
        return None


def _values(name: str, text: str | None, kind: type[Number], faults: list[str]) -> list[Number]:
    """``1,1.5,2`` to numbers; none for no text, or with one more fault."""
    try:
        return [kind(part) for part in text.split(",")] if text is not None else []
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        faults.append(f"--{name} {text} are no {what}, as in 4,8,32")
        return []


def _questions(pipeline: Pipeline, num: int, seed: int) -> Sequence[Question]:
    from c2l.evaluation import find_judge

    found = find_judge(pipeline.generator.reference)
    if found is None:
        raise BadInput(
            f"there are no prompts, and no recipe has a judge for {pipeline.generator.reference}",
            hint="Give --prompts FILE, one prompt a line",
        )
    return found[1].questions(num, seed)


def _say_what_is_not_read(
    embedders: Sequence[Embedder], asked: Sequence[str] | Sequence[Question]
) -> None:
    prompts = [p if isinstance(p, str) else p.prompt for p in asked]
    for embedder in embedders:
        readings = [embedder.read_text(prompt) for prompt in prompts]
        unknown = list(dict.fromkeys(word for r in readings for word in r.unknown))
        if unknown:
            words = ", ".join(f"'{word}'" for word in unknown[:8])
            more = f" and {len(unknown) - 8} more words" if len(unknown) > 8 else ""
            output.warn(f"{embedder.reference} has never seen {words}{more}")
        if num_cut := sum(bool(r.cut) for r in readings):
            output.warn(f"{num_cut} prompts are too long for {embedder.reference} and are cut")


def _compare(folders: Sequence[Path], out: Path | None, as_json: bool) -> None:
    from c2l.evaluation.compare import compare
    from c2l.evaluation.tables import comparison_table

    comparison = compare(folders)
    for note in comparison.notes:
        output.warn(note)
    if as_json:
        output.print_json(comparison.to_dict())
    else:
        output.print_table(*comparison_table(comparison))
    if out is not None:
        from c2l.evaluation.report import comparison_page
        from c2l.files import write_atomically

        write_atomically(out / COMPARISON, comparison_page(comparison).encode())
        output.talk(f"report: {out / COMPARISON}")
