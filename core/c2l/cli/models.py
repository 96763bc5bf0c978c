"""``c2l models``: everything that a reference can name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli.fetching import describe, fetch_with_consent, readable
from c2l.cli.light import LightGroup
from c2l.cli.options import AcceptLicence, DryRun, Json
from c2l.cli.output import data, print_fields, print_json, print_table, talk, warned_registry
from c2l.errors import BadInput, BadWeights, C2LError, NotDownloaded
from c2l_registry import Interface

if TYPE_CHECKING:
    from c2l_registry import ModelCard, ModelEntry

Names = Annotated[list[str], typer.Argument(help="kind:name, as 'c2l models list' shows them.")]
INTERFACES: tuple[Interface, ...] = ("generator", "embedder", "prior")


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup, no_args_is_help=True, help="Everything that can be named: -g, -e and -p."
    )
    group.command("list")(list_models)
    group.command("show")(show_model)
    group.command("pull")(pull_models)
    group.command("verify")(verify_models)
    group.command("remove")(remove_models)
    app.add_typer(group, name="models")


def list_models(
    kind: Annotated[
        Interface | None, typer.Option("--kind", help="Only generators, embedders or priors.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List all that can be named: kinds, and the models of each."""
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
    """Show a model: its licence, size, origin, and where it lies."""
    entry = warned_registry().entry(reference)
    if entry.card and entry.state == "to be fetched" and entry.path is None:
        from c2l.fetching import find_missing

        with suppress(C2LError):  # only its class knows, which takes longer to ask
            if not find_missing([reference]):
                entry = dataclasses.replace(entry, state="cached")
    card = entry.card.model_dump(mode="json", exclude={"reference", "file"}) if entry.card else {}
    row = {**_row(entry), **card, "path": str(entry.path) if entry.path else None}
    if as_json:
        print_json(row)
    else:
        print_fields(row)


def pull_models(
    references: Names,
    accept_licence: AcceptLicence = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Fetch weights, after one yes to their licences.

    They then work offline."""
    warned_registry()
    pull(references, accept_licence=accept_licence, dry_run=dry_run, as_json=as_json)


def pull(references: Sequence[str], *, accept_licence: bool, dry_run: bool, as_json: bool) -> None:
    """Fetch what is missing of these models, and print one row for each."""
    from c2l.fetching import find_missing

    if dry_run:
        missing = find_missing(references)
        if missing and not as_json:
            describe(missing)
    else:
        missing = fetch_with_consent(references, accept_licence=accept_licence)
    changed = {model.reference: model for model in missing}
    rows: list[dict[str, Any]] = []
    for reference in dict.fromkeys(references):
        model = changed.get(reference)
        state = ("to be fetched" if dry_run else "fetched") if model else "here"
        rows.append({"reference": reference, "state": state, **_files(reference)})
        if model and dry_run:
            rows[-1]["size"] = model.size
    if as_json:
        print_json(rows)
    else:
        print_table(["model", "state", "path"], [
            (row["reference"], row["state"], row["path"] or "") for row in rows
        ])  # fmt: skip


def verify_models(
    references: Annotated[
        list[str] | None, typer.Argument(help="kind:name; without any, all that were fetched.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hash fetched weights and compare with what is known.

    The exit code is 9 if any changed."""
    from c2l_registry.verification import verify_files

    registry = warned_registry()
    if references:
        cards = [_fetched_card(reference) for reference in references]
    else:
        cards = [e.card for e in registry.models() if e.card and e.state == "cached"]
    rows: list[dict[str, Any]] = [
        {
            "reference": card.reference,
            "state": verdict.state,
            "path": str(verdict.path),
            "size": verdict.size,
            "sha256": verdict.sha256,
            "expected": verdict.expected,
        }
        for card in cards
        for verdict in verify_files(card, registry.environ)
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        talk("nothing was fetched yet")
    else:
        print_table(
            ["model", "state", "path"], [(r["reference"], r["state"], r["path"]) for r in rows]
        )
    if bad := [row["reference"] for row in rows if row["state"] in {"changed", "missing"}]:
        raise BadWeights(
            f"{', '.join(dict.fromkeys(bad))} is not as it was fetched",
            hint=f"Fetch it again: c2l models remove {bad[0]}; c2l models pull {bad[0]}",
        )


def remove_models(references: Names, as_json: Json = False) -> None:
    """Remove fetched weights, and the yes to their licences."""
    from c2l_registry.removal import is_kept_elsewhere, remove_files

    cards = [_fetched_card(reference, begun=True) for reference in references]
    environ = warned_registry().environ
    kept = {card.reference for card in cards if is_kept_elsewhere(card, environ)}
    freed = {card.reference: remove_files(card, environ) for card in cards}
    if as_json:
        print_json([{"reference": name, "freed": size} for name, size in freed.items()])
    for name, size in freed.items():
        elsewhere = "; Hugging Face's cache keeps its copy" if name in kept else ""
        talk(f"removed {name}: {readable(size)} free{elsewhere}")


def _fetched_card(reference: str, *, begun: bool = False) -> ModelCard:
    """The card of a model in the weights folder.

    Args:
        begun: one whose download is not complete will do.
    """
    from c2l_registry.consent import consent_file
    from c2l_registry.paths import is_there

    registry = warned_registry()
    entry = registry.entry(reference)
    if begun and entry.card and is_there(consent_file(reference, registry.environ)):
        return entry.card  # its weights may lie in another cache, but its yes lies in ours
    if entry.card is None or not entry.card.urls:
        raise BadInput(
            f"{reference} has no file in the weights folder",
            hint="See where it lies: c2l models show " + reference,
        )
    if entry.state != "cached" and not (begun and entry.path and entry.path.parent.is_dir()):
        raise NotDownloaded(
            f"{reference} is not on this machine", hint=f"Fetch it: c2l models pull {reference}"
        )
    return entry.card


def _files(reference: str) -> dict[str, Any]:
    """Where the weights of a reference lie, and what is known of them."""
    from c2l.plugins import registry
    from c2l_registry.checksums import first_seen

    _, entry = registry().lookup(reference)
    path = entry.path if entry else None
    here = path is not None and path.is_file()
    card = entry.card if entry else None
    return {
        "path": str(path) if path else None,
        "size": path.stat().st_size if path and here else card and card.size,
        "sha256": (card.sha256 if card else "") or (first_seen(path) if path else ""),
        "licence": card.licence if card else "",
        "licence_url": card.licence_url if card else "",
        "commercial_use": card.commercial_use if card else None,
    }


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
