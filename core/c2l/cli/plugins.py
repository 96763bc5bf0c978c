"""``c2l plugins``: the installed plugin packages and their state."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli.light import LightCommand, LightGroup
from c2l.cli.options import Json
from c2l.cli.output import print_fields, print_json, print_table, warn, warned_registry

if TYPE_CHECKING:
    from c2l_registry import PluginRecord, Registry


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup, no_args_is_help=True, help="The installed plugins and their state."
    )
    group.command("list", cls=LightCommand)(list_plugins)
    group.command("show")(show_plugin)
    app.add_typer(group, name="plugins")


def list_plugins(as_json: Json = False) -> None:
    """List the installed plugins and whether they work."""
    records = _registry(cards=False).describe()
    if as_json:
        print_json([_row(record) for record in records])
    else:
        print_table(
            ["plugin", "package", "state", "summary"],
            [(r.name, f"{r.dist} {r.version}", r.state, r.error or r.summary) for r in records],
        )


def show_plugin(
    name: Annotated[str, typer.Argument(help="As 'c2l plugins list' names it.")],
    as_json: Json = False,
) -> None:
    """Show one plugin: its package, what it provides, why it failed."""
    registry = _registry(cards=True)
    record = registry.plugin(name)
    models = [] if registry.unknown_disabled() else registry.models()
    row = {
        **_row(record),
        "module": record.module,
        "models": [e.reference for e in models if e.plugin == name and e.card],
        "traceback": record.traceback,
    }
    if as_json:
        print_json(row)
    else:
        print_fields(row)


def _registry(*, cards: bool) -> Registry:
    """These commands help to put wrong names right, so they go on where others stop."""
    registry = warned_registry(cards=cards)
    for error in registry.unknown_disabled():
        warn(str(error))
    return registry


def _row(record: PluginRecord) -> dict[str, Any]:
    row = dataclasses.asdict(record)
    return {
        key: row[key] for key in ("name", "dist", "version", "state", "summary", "error", "kinds")
    }
