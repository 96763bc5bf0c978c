"""``c2l models convert`` and ``c2l models inspect``: files of networks from elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from c2l.cli.options import Json
from c2l.cli.output import data, print_fields, print_json, talk
from c2l.errors import BadInput, BadWeights, UnknownReference
from c2l_registry.paths import expand_path
from c2l_registry.references import means_a_path, names_a_file

_WHERE = "A file, or kind:file where more than one plugin knows it."


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``models``, which must be there already."""
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    models = groups["models"]
    assert models is not None
    models.command("convert")(convert_model)
    models.command("inspect")(inspect_model)


def convert_model(
    source: Annotated[str, typer.Argument(metavar="IN", help=_WHERE)],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The .safetensors file to write.")],
    half: Annotated[bool, typer.Option("--half", help="Half the size, in float16.")] = False,
) -> None:
    """Write a generator to a file that opens at once."""
    from c2l.loading import load_generator

    if target.suffix != ".safetensors":
        raise BadInput(
            f"{target} is no name for a converted network", hint="Let it end in .safetensors"
        )
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise BadInput(f"{target} would replace itself", hint="Choose another name")
    load_generator(_reference(source), device="cpu").save(target, half=half)
    talk(f"wrote {target.stat().st_size:,} bytes")
    data(str(target))


def inspect_model(
    source: Annotated[str, typer.Argument(metavar="FILE", help=_WHERE)], as_json: Json = False
) -> None:
    """Say what a file holds: family, sizes, sha256, licence."""
    from c2l.resolving import find_generator

    reference = _reference(source)
    try:
        cls, path = find_generator(reference)
    except UnknownReference:
        found = _prior(reference)
        if found is None:
            raise
        described = found
    else:
        described = {"file": str(path), **cls.describe(path), **_bytes(path), **_named(source)}
    if as_json:
        print_json(described)
    else:
        print_fields(described)


def _prior(reference: str) -> dict[str, Any] | None:
    """What a prior's file says of itself; None where it is no prior."""
    from c2l.loading import load_prior

    path = expand_path(reference)
    if not path.is_file():
        return None
    try:
        prior = load_prior(reference, device="cpu")
    except UnknownReference:
        return None
    except BadWeights:
        if path.suffix == ".safetensors":  # somebody else's
            return None
        raise
    trained_for = {
        role: getattr(prior.card, role).reference if prior.card else None
        for role in ("generator", "embedder")
    }
    return {
        "file": str(path),
        "prior": prior.reference.partition(":")[0],
        **prior.settings(),
        "repeats": list(prior.repeats or ()) or None,
        **trained_for,
        "parameters": sum(parameter.numel() for parameter in prior.parameters()),
        **_bytes(path),
    }


def _bytes(path: Path) -> dict[str, Any]:
    """Checksum and size of a file, and what the catalogue knows of it."""
    row: dict[str, Any] = {}
    file = path if path.is_file() else path / "weights.safetensors"
    if file.is_file():
        with file.open("rb") as opened:
            row["sha256"] = hashlib.file_digest(opened, "sha256").hexdigest()
        row["size"] = file.stat().st_size
        row.update(_known(row["sha256"]))
    return row


def _named(source: str) -> dict[str, str]:
    """Name and licence of what was named by a reference."""
    from c2l.plugins import registry

    card = registry().cards().get(source)
    return {"reference": source, "licence": card.licence} if card else {}


def _known(sha256: str) -> dict[str, str]:
    """Name and licence of a file that the catalogue knows by its checksum."""
    from c2l.plugins import registry

    card = registry().card_of_file(sha256)
    return {"reference": card.reference, "licence": card.licence} if card else {}


def _reference(source: str) -> str:
    """A file may be given without ``./``, which a reference needs."""
    if means_a_path(source):
        return source
    if names_a_file(source):
        return str(Path(source).absolute())
    if ":" not in source and Path(source).suffix:
        raise UnknownReference(f"there is no file {source}", hint="Check the path")
    return source
