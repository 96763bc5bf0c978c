"""Requests in files: the record in a PNG, or TOML or JSON that somebody wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l.files import read_toml
from c2l.prompts.blends import parse_weighted
from c2l.resolving import resolve_beside
from c2l.sampling.record import FACTS, read_record, request_of, upgraded
from c2l.sampling.request import Request

PARTS = ("generator", "embedder", "prior")
_NOT_ASKED = {*FACTS, "path", "milliseconds"}
"""What 'c2l info' and 'c2l sample' say of a picture in JSON, besides its request."""


def read_request(path: Path, *, also: Sequence[str] = (), **changes: Any) -> Request:
    """The request in a file; ``changes`` win over it.

    Parts that it names by a relative path are looked up from the current folder, and beside the
    file.

    Args:
        path: a PNG that c2l wrote, or a ``.toml`` or ``.json`` file with the fields of ``Request``;
            a picture's record in JSON is one as well.
        also: texts blended into its prompts, as in ``a pirate:0.4``.
    Raises:
        BadPicture: a PNG without a record, or one that was edited or is newer than this version.
        BadInput: another file that cannot be read, or does not describe a request.
    """
    if path.suffix.lower() in (".toml", ".json"):
        raw = read_toml(path) if path.suffix.lower() == ".toml" else _read_json(path)
        if "schema" in raw:
            raw = {k: v for k, v in upgraded(raw, str(path)).items() if k not in _NOT_ASKED}
        try:
            request = Request(**_merged(raw, changes))
        except (BadInput, TypeError) as error:
            reason = error.message if isinstance(error, BadInput) else str(error)
            hint = error.hint if isinstance(error, BadInput) else ""
            raise BadInput(f"{path}: {reason}", hint=hint, field="from") from error
    else:
        request = request_of(read_record(path), str(path))
        if changes.keys() & {"prompt", "prompts", "seed", "seeds", "num_images", "latents"}:
            raise BadInput(
                f"{path} already brings a prompt and a seed",
                hint="Leave out the other ones",
                field="from",
            )
        whole = all(getattr(request, part) for part in PARTS)
        if "recipe" in changes:
            changes = {**dict.fromkeys(PARTS), **changes}
        elif whole and changes.keys() & set(PARTS):
            changes["recipe"] = None  # it is another trio now
        request = request.replace(**changes)
    if also:
        blends = [[*p.items(), *map(parse_weighted, also)] for p in request.prompts]
        request = request.replace(prompts=blends)
    found = {
        role: resolve_beside(reference, path.parent)
        for role in PARTS
        if (reference := getattr(request, role))
    }
    return request.replace(**found)


def _merged(raw: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The file's fields and the changes, which also take the place of other spellings."""
    replaced = {
        "prompt": {"prompts"},
        "prompts": {"prompt"},
        "seeds": {"seed", "num_images"},
        "num_images": {"seeds"},
        "recipe": set(PARTS),
    }
    gone = set().union(*(replaced.get(name, ()) for name in changes))
    return {**{name: value for name, value in raw.items() if name not in gone}, **changes}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror or error}", hint="Check the path", field="from"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{path} is not JSON in UTF-8: {error}", hint="Correct it", field="from"
        ) from error
    if not isinstance(raw, dict):
        raise BadInput(f"{path} is not a JSON object", field="from")
    return raw
