"""``c2l models``, ``c2l recipes`` and ``c2l plugins``: what can be named here, listed and shown."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from c2l import service
from c2l.cli.options import Json, option
from c2l.cli.output import data, print_details, print_json, print_rows, warn, warn_of_problems

Interface = Literal["generator", "embedder", "prior"]
Name = Annotated[str, typer.Argument(help="As the list names it.")]


def list_models(
    kind: Annotated[Interface | None, option("Only one kind of part.", "--kind")] = None,
    as_json: Json = False,
) -> None:
    """List all that can be named: kinds, and the models of each."""
    warn_of_problems()
    models = service.list_models(kind)
    if as_json:
        print_rows(models, as_json=True)
        return
    for number, interface in enumerate((kind,) if kind else service.INTERFACES):
        if number:
            data("")
        rows = [model for model in models if model.interface == interface]
        print_rows(rows, **{f"{interface}s": "reference", "state": "state", "summary": "summary"})


def show_model(
    reference: Annotated[str, typer.Argument(help="kind:name, or a kind.")], as_json: Json = False
) -> None:
    """Show a model: its licence, size, origin, and where it lies."""
    warn_of_problems()
    print_details(service.show_model(reference), as_json=as_json)


def list_recipes(as_json: Json = False) -> None:
    """List the recipes that 'c2l sample --recipe' takes."""
    warn_of_problems()
    rows = service.list_recipes()
    if as_json:
        print_json([row.fields for row in rows])
    else:
        print_rows(rows, recipe="name", generator="generator", summary="summary")


def show_recipe(name: Name, as_json: Json = False) -> None:
    """Show a recipe: its parts, settings and prompts to try."""
    warn_of_problems()
    print_details(service.show_recipe(name), as_json=as_json)


def list_plugins(as_json: Json = False) -> None:
    """List the installed plugins and whether they work."""
    # This helps to put wrong names right, so it goes on where other commands stop.
    for problem in service.plugin_problems():
        warn(problem)
    rows = service.list_plugins()
    if as_json:
        print_rows(rows, as_json=True)
    else:
        print_rows(rows, plugin="name", package="package", state="state", summary="remark")


def show_plugin(name: Name, as_json: Json = False) -> None:
    """Show one plugin: its package, what it provides, why it failed."""
    for problem in service.plugin_problems(cards=True):
        warn(problem)
    print_details(service.show_plugin(name), as_json=as_json)
