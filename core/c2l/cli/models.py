"""``c2l models``: everything that a reference can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli.light import LightGroup
from c2l.cli.output import Json, data, print_fields, print_json, print_table, warned_registry
from c2l_registry import Interface

if TYPE_CHECKING:
    from c2l_registry import ModelEntry

INTERFACES: tuple[Interface, ...] = ("generator", "embedder", "prior")


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup, no_args_is_help=True, help="Everything that can be named: -g, -e and -p."
    )
    group.command("list")(list_models)
    group.command("show")(show_model)
    app.add_typer(group, name="models")


def list_models(
    kind: Annotated[
        Interface | None, typer.Option("--kind", help="Only generators, embedders or priors.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the kinds of generators, embedders and priors, and every named model of each."""
    entries = warned_registry().models(kind)
    if as_json:
        print_json([_row(entry) for entry in entries])
        return
    for number, interface in enumerate((kind,) if kind else INTERFACES):
        if number:
            data("")
        rows = [(e.reference, e.state, e.summary) for e in entries if e.interface == interface]
        print_table([f"{interface}s", "state", "summary"], rows)


def show_model(
    reference: Annotated[str, typer.Argument(help="kind:name, or a kind.")],
    as_json: Json = False,
) -> None:
    """Show one model: its licence, its size, where its weights lie and where they come from."""
    entry = warned_registry().entry(reference)
    card = entry.card.model_dump(mode="json", exclude={"reference", "file"}) if entry.card else {}
    row = {**_row(entry), **card, "path": str(entry.path) if entry.path else None}
    if as_json:
        print_json(row)
    else:
        print_fields(row)


def _row(entry: ModelEntry) -> dict[str, Any]:
    return {
        "reference": entry.reference,
        "interface": entry.interface,
        "kind": entry.kind,
        "state": entry.state,
        "summary": entry.summary,
        "licence": entry.licence,
        "plugin": entry.plugin,
        "resolution": entry.card.resolution if entry.card else None,
        "size": entry.card.size if entry.card else None,
    }
