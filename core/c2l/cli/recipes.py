"""``c2l recipes``: three parts that fit, under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from c2l.cli.light import LightCommand, LightGroup
from c2l.cli.models import pull
from c2l.cli.options import AcceptLicence, DryRun, Json
from c2l.cli.output import print_fields, print_json, print_table, warned_registry


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup, no_args_is_help=True, help="Generator, embedder and prior that fit."
    )
    group.command("list", cls=LightCommand)(list_recipes)
    group.command("show")(show_recipe)
    group.command("pull")(pull_recipe)
    app.add_typer(group, name="recipes")


def list_recipes(as_json: Json = False) -> None:
    """List the recipes that 'c2l sample --recipe' takes."""
    recipes = warned_registry().recipes()
    if as_json:
        print_json([recipe.model_dump(mode="json") for recipe in recipes.values()])
    else:
        print_table(
            ["recipe", "generator", "summary"],
            [(name, recipe.generator, recipe.summary) for name, recipe in recipes.items()],
        )


def show_recipe(
    name: Annotated[str, typer.Argument(help="As 'c2l recipes list' names it.")],
    as_json: Json = False,
) -> None:
    """Show a recipe: its parts, settings and prompts to try."""
    recipe = warned_registry().recipe(name).model_dump(mode="json")
    if as_json:
        print_json(recipe)
    else:
        print_fields(recipe)


def pull_recipe(
    names: Annotated[list[str], typer.Argument(help="As 'c2l recipes list' names them.")],
    accept_licence: AcceptLicence = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fetch all parts of a recipe, after one yes to licences."""
    recipes = [warned_registry().recipe(name) for name in names]
    references = [part for r in recipes for part in (r.generator, r.embedder, r.prior)]
    pull(references, accept_licence=accept_licence, dry_run=dry_run, as_json=as_json)
