"""Which licences the user has said yes to: one small file in the folder of the weights.

It is asked for before the first download of a model and never again, unless its licence changes.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path

from c2l_registry.errors import NotWritable
from c2l_registry.references import parse_reference
from c2l_registry.weights import home_folder


def consent_file(reference: str, environ: Mapping[str, str]) -> Path:
    """Where the yes to the licence of ``kind:name`` is kept."""
    parsed = parse_reference(reference)
    parts = [re.sub(r"[^\w.+@-]", "_", part) for part in parsed.name.split("/")]
    folder = home_folder(environ).joinpath("weights", parsed.kind, *parts)
    return folder / "accepted-licence.json"


def is_accepted(reference: str, licence: str, environ: Mapping[str, str]) -> bool:
    """Whether the user has said yes to this licence of this model."""
    try:
        said = json.loads(consent_file(reference, environ).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("licence") == licence


def accept(reference: str, licence: str, url: str, environ: Mapping[str, str]) -> None:
    """Remember the user's yes.

    Raises:
        NotWritable: the weights folder does not take it.
    """
    path = consent_file(reference, environ)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    said = {"reference": reference, "licence": licence, "licence_url": url, "accepted": now}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise NotWritable(
            f"cannot write {path}: {error.strerror or error}",
            hint="Make room or name another folder: C2L_HOME",
        ) from error
