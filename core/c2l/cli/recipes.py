"""``c2l recipes``: generator, embedder and prior that fit each other."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import Commands, fields_of
from c2l.cli.fetching import downloads, pull, questions
from c2l.cli.options import AcceptLicence, DryRun, Json, option
from c2l.cli.progress import progress
from c2l.errors import ExitCode

Name = Annotated[str, typer.Argument(help="A recipe, from 'c2l recipes list'.")]
CHECKED = ("score", "value", "normal", "what it is")


def list_recipes(as_json: Json = False) -> None:
    """List the recipes that 'c2l sample --recipe' takes."""
    output.warn_of_problems()
    rows = service.list_recipes()
    if as_json:
        output.print_json([row.fields for row in rows])
    else:
        columns = {"recipe": "name", "generator": "generator", "summary": "summary"}
        output.print_rows(rows, columns, as_json=False)


def show_recipe(name: Name, as_json: Json = False) -> None:
    """Show a recipe: its parts, settings and prompts to try."""
    output.warn_of_problems()
    output.print_details(service.show_recipe(name), as_json=as_json)


def pull_recipes(
    names: Annotated[list[str], typer.Argument(help="Recipes, from 'c2l recipes list'.")],
    accept_licence: AcceptLicence = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Download all parts of a recipe, once you accept their
    licences."""
    output.warn_of_problems()
    parts = [part for name in names for part in service.parts_of_recipe(name)]
    pull(parts, service.pull_recipes, names, accept_licence, dry_run, as_json)


def check_recipe(
    context: typer.Context,
    recipe: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A recipe, from 'c2l recipes list'.")
    ] = None,
    out: Annotated[
        str | None, options.place("Folder for a report to attach to an issue.", default="none")
    ] = None,
    num_prompts: Annotated[int, option("Number of prompts to draw.")] = 64,
    num_fresh: Annotated[int, option("Number of random pictures to compare with.")] = 256,
    domain: options.Domain = None,
    generator: options.Generator = None,
    embedder: options.Embedder = None,
    prior: options.Prior = None,
    device: options.Device = "auto",
    accept_licence: AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Json = False,
) -> int:
    """Draw a few hundred pictures, and say whether the parts fit.

    The exit code is 1 if they do not."""
    output.warn_of_problems()
    request = service.CheckRequest(**fields_of(context))
    with downloads() as on_download, progress("checking", "pictures") as update:
        check = service.run_check(
            request,
            ask=questions(accept_licence, accept_programs),
            tell=output.say,
            on_download=on_download,
            on_progress=update,
        )
    if as_json:
        output.print_json(check.to_dict())
    else:
        output.print_table(CHECKED, check.rows())
    output.talk(f"{check.verdict.fault or 'fine'}: {check.verdict.text}")
    if request.out is not None:
        output.talk(f"report: {request.out / 'check.md'}")
    return ExitCode.OK if check.verdict.fault is None else ExitCode.FAILED


COMMANDS: Commands = {
    "list": list_recipes,
    "show": show_recipe,
    "pull": pull_recipes,
    "check": check_recipe,
}
