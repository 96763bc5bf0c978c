"""The sha256 of a file, and the one first seen if nobody has published it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from c2l_registry.files import write_atomically
from c2l_registry.paths import ANOTHER_HOME, cannot_read


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits.

    Raises:
        NotReadable: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise cannot_read(path, error) from error


def record_of(path: Path) -> Path:
    """Where the hash first seen is kept: beside the file, in the format of ``sha256sum``."""
    return path.with_name(f"{path.name}.sha256")


def first_seen(path: Path) -> str:
    """The sha256 that the file had when it was first fetched; empty if there is no record.

    Raises:
        NotReadable: there is a record, but this user may not read it.
    """
    try:
        text = record_of(path).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    except OSError as error:
        raise cannot_read(record_of(path), error) from error
    match = re.match(r"[0-9a-f]{64}\b", text)
    return match[0] if match else ""


def record(path: Path, sha256: str) -> None:
    """Keep the sha256 of a file that was seen for the first time.

    Raises:
        NotWritable: the folder does not take it.
    """
    line = f"{sha256}  {path.name}\n"
    write_atomically(record_of(path), line.encode(), hint=ANOTHER_HOME)
