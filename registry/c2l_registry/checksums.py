"""The sha256 of a file, and the one first seen where nobody vouches for another."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_of(path: Path) -> Path:
    """Where the hash first seen is kept: beside the file, in the format of ``sha256sum``."""
    return path.with_name(f"{path.name}.sha256")


def first_seen(path: Path) -> str:
    """The sha256 that the file had when it was first fetched; empty if there is no record."""
    try:
        text = record_of(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    match = re.match(r"[0-9a-f]{64}\b", text)
    return match[0] if match else ""


def record(path: Path, sha256: str) -> None:
    """Keep the sha256 of a file that was seen for the first time."""
    record_of(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")
