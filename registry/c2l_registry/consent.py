"""Which licences the user has accepted: one small file in the folder of the weights.

The question is asked before the first download of a model, and again only if its licence changes.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path

from c2l_registry.files import write_atomically
from c2l_registry.paths import ANOTHER_HOME, cannot_read
from c2l_registry.references import parse_reference
from c2l_registry.weights import home_folder


def consent_file(reference: str, environ: Mapping[str, str]) -> Path:
    """Where it is kept that the licence of ``kind:name`` was accepted."""
    parsed = parse_reference(reference)
    parts = [re.sub(r"[^\w.+@-]", "_", part) for part in parsed.name.split("/")]
    folder = home_folder(environ).joinpath("weights", parsed.kind, *parts)
    return folder / "accepted-licence.json"


def is_accepted(reference: str, licence: str, environ: Mapping[str, str]) -> bool:
    """Whether the user has accepted this licence of this model; not if the file is damaged.

    Raises:
        NotReadable: there is a file, but this user may not read it.
    """
    path = consent_file(reference, environ)
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return False
    except OSError as error:
        raise cannot_read(path, error) from error
    return isinstance(answer, dict) and answer.get("licence") == licence


def accept(reference: str, licence: str, url: str, environ: Mapping[str, str]) -> None:
    """Keep that the user has accepted a licence.

    Raises:
        NotWritable: the weights folder does not take it.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    answer = {"reference": reference, "licence": licence, "licence_url": url, "accepted": now}
    text = json.dumps(answer, indent=2) + "\n"
    write_atomically(consent_file(reference, environ), text.encode(), hint=ANOTHER_HOME)
