"""``c2l eval``: scores of a recipe on prompts, with a report; and finished runs side by side."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of, typed_flags
from c2l.cli.fetching import downloads, questions
from c2l.cli.progress import progress
from c2l.errors import BadInput

EXAMPLES = """
c2l eval demo-faces
c2l eval demo-faces --guidance 1,1.5,2 --steps 4,8,32 --out sweep
c2l eval -p ./mine.safetensors --prompts prompts.txt --independent openclip:ViT-L-14/openai
c2l eval --compare evaluation sweep --out side-by-side
"""


def evaluate(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe; with --compare, folders of finished runs."),
    ] = None,
    compare: Annotated[
        bool, options.option("Compare finished runs side by side.", "--compare")
    ] = False,
    out: options.EvalOut = None,
    prompts: options.Prompts = None,
    num_images: options.NumImages = 4,
    num_prompts: Annotated[
        int, options.option("Number of captions from the recipe's judge.")
    ] = 200,
    prompt_seed: Annotated[int, options.option("Seed of the judge's captions.")] = 0,
    seed: Annotated[int, options.option("Seed of the first picture.")] = 0,
    guidance: options.GuidanceSweep = None,
    steps: options.StepsSweep = None,
    adherence: options.Adherence = None,
    truncation: options.Truncation = None,
    best_of: options.BestOf = None,
    rank_by: options.RankBy = None,
    independent: options.Independent = None,
    num_reference: options.NumReference = 1024,
    fid: Annotated[
        bool, options.option("Also compute FID and KID; needs c2l[eval].", "--fid")
    ] = False,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    device: options.Device = "auto",
    processes: options.Processes = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: options.Json = False,
) -> None:
    """Score a recipe: alignment, quality, diversity, accuracy, cost.

    If interrupted, run the same command again to resume.
    """
    if not compare:
        fields = fields_of(context, "names", "compare")
        _evaluate({**fields, "recipe": names}, questions(accept_licence, accept_programs), as_json)
        return
    if useless := typed_flags(context) - {"--compare", "--out", "--json"}:
        raise BadInput(
            f"--compare takes finished runs only, not {', '.join(sorted(useless))}",
            hint="c2l eval --compare FOLDER FOLDER",
        )
    _compare(names or [], out, as_json)


def _evaluate(fields: dict[str, Any], ask: Any, as_json: bool) -> None:
    request, prompts = service.read_evaluation(**fields)
    output.warn_of_problems()
    with downloads() as on_download, progress("evaluating", "pictures") as update:
        evaluation = service.run_evaluation(
            request,
            prompts,
            ask=ask,
            tell=output.say,
            on_download=on_download,
            on_progress=update,
        )
    if as_json:
        output.print_json(evaluation.summary())
    else:
        output.print_table(*service.scores_table(evaluation))
    output.talk(f"report: {request.out / 'report.html'}")


def _compare(folders: list[str], out: str | None, as_json: bool) -> None:
    comparison, page = service.compare_runs(folders, out)
    for note in comparison.notes:
        output.warn(note)
    if as_json:
        output.print_json(comparison.to_dict())
    else:
        output.print_table(*service.comparison_table(comparison))
    if page is not None:
        output.talk(f"report: {page}")
