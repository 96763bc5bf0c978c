"""Requests in files: the record in a PNG, or TOML or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.errors import BadInput, UnknownReference, spell_fields
from c2l.files import read_json, read_toml
from c2l.plugins import registry
from c2l.prompts.blends import parse_weighted
from c2l.resolving import resolve_beside
from c2l.sampling.record import FACTS, read_record, request_of, upgraded
from c2l.sampling.request import Request

PARTS = ("generator", "embedder", "prior")
_NOT_ASKED = {*FACTS, "path", "milliseconds"}
"""What 'c2l info' and 'c2l sample' say of a picture in JSON, besides its request."""


def read_request(path: Path, *, also: Sequence[str] = (), **changes: Any) -> Request:
    """The request in a file; ``changes`` win over it.

    Relative paths in it are resolved from the current folder, or else from the file's own.

    Args:
        path: a PNG that c2l wrote, or a ``.toml`` or ``.json`` file with the fields of ``Request``;
            a picture's record in JSON is one as well.
        also: texts blended into its prompts, as in ``a pirate:0.4``.
    Raises:
        BadPicture: a PNG without a record, or one that was edited or is newer than this version.
        BadInput: another file that cannot be read, or does not describe a request.
        UnknownReference: a part is of a loose file that is not loaded.
    """
    read = {".toml": read_toml, ".json": read_json}.get(path.suffix.lower())
    if read is not None:
        raw = read(path, field="from_file")
        if "schema" in raw:
            raw = {k: v for k, v in upgraded(raw, str(path)).items() if k not in _NOT_ASKED}
        try:
            request = Request(**_merged(raw, changes))
        except (BadInput, TypeError) as error:
            reason = error.message if isinstance(error, BadInput) else str(error)
            hint = error.hint if isinstance(error, BadInput) else ""
            raise BadInput(f"{path}: {reason}", hint=hint, field="from_file") from error
    else:
        request = request_of(read_record(path), str(path))
        if changes.keys() & {"prompt", "prompts", "seed", "seeds", "num_images", "latents"}:
            raise BadInput(
                f"{path} already brings a prompt and a seed",
                hint="Leave out the other ones",
                field="from_file",
            )
        whole = all(getattr(request, part) for part in PARTS)
        if "recipe" in changes:
            changes = {**dict.fromkeys(PARTS), **changes}
        elif whole and changes.keys() & set(PARTS):
            changes["recipe"] = None  # it is another trio now
        kept = {r: f for r, f in (request.fingerprints or {}).items() if r not in changes}
        request = request.replace(**changes, fingerprints=kept or None)
    if also:
        if not request.prompts:
            raise BadInput(f"{path} has no prompt to blend into", hint="Give one", field="also")
        blends = [[*p.items(), *map(parse_weighted, also)] for p in request.prompts]
        request = request.replace(prompts=blends)
    found = {
        role: resolve_beside(reference, path.parent)
        for role in PARTS
        if (reference := getattr(request, role))
    }
    request = request.replace(**found)
    _refuse_missing_files(request, path)
    return request


def _refuse_missing_files(request: Request, path: Path) -> None:
    """Raises ``UnknownReference`` where a part is of a loose file that is not loaded."""
    for reference in filter(None, (getattr(request, role) for role in PARTS)):
        kind = reference.partition(":")[0]
        if request.plugin_files and kind not in registry().kinds():
            fields = {"plugin": [_found(file, path) for file in request.plugin_files]}
            file = " or ".join(request.plugin_files)
            raise UnknownReference(
                f"{path} was drawn with {reference}, a kind of the file {file}, which is not "
                "loaded",
                hint=f"If you trust that file: `c2l {spell_fields(fields)} sample "
                f"{spell_fields({'from_file': str(path)})}`",
                field="from_file",
            )


def _found(file: str, path: Path) -> str:
    """A loose file where it was, or beside the file that names it."""
    beside = path.parent / file
    return file if Path(file).exists() or not beside.exists() else str(beside)


def _merged(raw: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The file's fields and the changes, which also replace other spellings of the same."""
    replaced = {
        "prompt": {"prompts"},
        "prompts": {"prompt"},
        "seed": {"seeds"},
        "seeds": {"seed", "num_images"},
        "num_images": {"seeds"},
        "recipe": set(PARTS),
    }
    gone = set().union(*(replaced.get(name, ()) for name in changes))
    return {**{name: value for name, value in raw.items() if name not in gone}, **changes}
