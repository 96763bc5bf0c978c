"""What the user has accepted: licences, and files that are programs. One small file for each.

Licences are asked about before the first download of a model, and again only if they change; a
program before it first runs, and again only if its bytes change.
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
    return _read(consent_file(reference, environ)).get("licence") == licence


def accept(reference: str, licence: str, url: str, environ: Mapping[str, str]) -> None:
    """Keep that the user has accepted a licence.

    Raises:
        NotWritable: the weights folder does not take it.
    """
    answer = {"reference": reference, "licence": licence, "licence_url": url}
    _write(consent_file(reference, environ), answer)


def program_file(sha256: str, environ: Mapping[str, str]) -> Path:
    """Where it is kept that a program was accepted."""
    return home_folder(environ) / "programs" / f"{sha256}.json"


def is_program_accepted(sha256: str, environ: Mapping[str, str]) -> bool:
    """Whether the user has accepted the program with this sha256; as ``is_accepted``."""
    return _read(program_file(sha256, environ)).get("sha256") == sha256


def accept_program(reference: str, sha256: str, environ: Mapping[str, str]) -> None:
    """Keep that the user has accepted a program; as ``accept``."""
    _write(program_file(sha256, environ), {"reference": reference, "sha256": sha256})


def _read(path: Path) -> Mapping[str, object]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    except OSError as error:
        raise cannot_read(path, error) from error
    return answer if isinstance(answer, dict) else {}


def _write(path: Path, answer: Mapping[str, str]) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    text = json.dumps({**answer, "accepted": now}, indent=2) + "\n"
    write_atomically(path, text.encode(), hint=ANOTHER_HOME)
