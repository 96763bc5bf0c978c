"""``c2l models``: what a reference can name, and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from c2l import service
from c2l.cli import output
from c2l.cli.commands import Commands
from c2l.cli.fetching import PULLED, pull, readable
from c2l.cli.options import AcceptLicence, DryRun, Json, Text, option

Interface = Literal["generator", "embedder", "prior", "direction"]
Models = Annotated[list[str], typer.Argument(help="kind:name, as 'c2l models list' shows them.")]
File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="A file, or kind:file if several plugins recognise it."),
]


def list_models(
    kind: Annotated[Interface | None, option("Only one kind of part.", "--kind")] = None,
    family: Annotated[Text, option("Only families with this name or prefix.")] = None,
    search: Annotated[Text, option("Only models that contain these words.")] = None,
    here: Annotated[bool, option("Only models on this machine.", "--here")] = False,
    as_json: Json = False,
) -> None:
    """List families of models, or the models that match."""
    output.warn_of_problems()
    models = service.list_models(kind, family=family, search=search, here=here)
    if as_json:
        output.print_rows(models, {}, as_json=True)
    elif kind or family or search or here:
        _print_models(models)
    else:
        _print_families(service.family_rows(models))


def _print_models(models: list[service.ModelRow]) -> None:
    for number, ((interface, name), rows) in enumerate(service.by_family(models).items()):
        if number:
            output.data("")
        columns = {f"{interface}s: {name}": "reference", "state": "state", "summary": "detail"}
        output.print_rows(rows, columns, as_json=False)
    if not models:
        output.talk("nothing matches; see c2l models list")


def _print_families(rows: list[service.FamilyRow]) -> None:
    for number, interface in enumerate(dict.fromkeys(row.interface for row in rows)):
        if number:
            output.data("")
        some = [row for row in rows if row.interface == interface]
        headings = [f"{interface}s", "models", "here", "what"]
        cells = [[r.family, str(r.num or ""), str(r.num_here or ""), r.about] for r in some]
        output.print_table(headings, cells)
    output.talk(
        "\nmore: c2l models list --kind generator, --family stylegan3, --search faces, --here"
    )


def show_model(
    reference: Annotated[str, typer.Argument(help="kind:name, or a kind.")], as_json: Json = False
) -> None:
    """Show a model: its licence, size, origin, and path."""
    output.warn_of_problems()
    output.print_details(service.show_model(reference), as_json=as_json)


def pull_models(
    references: Models,
    accept_licence: AcceptLicence = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Download weights, once you accept their licences.

    After that they work offline."""
    output.warn_of_problems()
    pull(references, service.pull_weights, references, accept_licence, dry_run, as_json)


def verify_models(
    references: Annotated[
        list[str] | None, typer.Argument(help="kind:name; without any, all that were fetched.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check downloaded weights against their hashes.

    The exit code is 9 if any have changed."""
    output.warn_of_problems()
    files = service.verify_weights(references or ())
    if files or as_json:
        output.print_rows(files, PULLED, as_json=as_json)
    else:
        output.talk("nothing was fetched yet")
    service.refuse_changed(files)


def remove_models(references: Models, as_json: Json = False) -> None:
    """Remove downloaded weights, and your consent."""
    output.warn_of_problems()
    removed = service.remove_weights(references)
    if as_json:
        output.print_json([{"reference": row.reference, "freed": row.freed} for row in removed])
    for row in removed:
        elsewhere = "; Hugging Face's cache keeps its copy" if row.kept_elsewhere else ""
        output.talk(f"removed {row.reference}: {readable(row.freed)} free{elsewhere}")


def inspect_model(source: File, as_json: Json = False) -> None:
    """Show what a file contains: family, sizes, sha256, licence."""
    output.print_details(service.inspect_file(source), as_json=as_json)


def convert_model(
    source: File,
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The .safetensors file to write.")],
    half: Annotated[bool, option("Store in float16, at half the size.", "--half")] = False,
) -> None:
    """Convert a generator to a file that opens faster."""
    output.talk(f"wrote {service.convert_file(source, target, half=half):,} bytes")
    output.data(str(target))


COMMANDS: Commands = {
    "list": list_models,
    "show": show_model,
    "pull": pull_models,
    "verify": verify_models,
    "remove": remove_models,
    "inspect": inspect_model,
    "convert": convert_model,
}
