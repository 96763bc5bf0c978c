"""Files: written so that they are whole or not there, and TOML read as people save it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l_registry.files import draft_of, remove_partials, write_atomically

__all__ = ["draft_of", "read_text", "read_toml", "remove_partials", "write_atomically"]


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without a byte order mark.

    Raises:
        BadInput: it cannot be read, or is in another encoding.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise BadInput(f"cannot read {path}: {reason}", hint="Check the path") from error
    except ValueError as error:
        raise BadInput(f"{path} is not in UTF-8: {error}", hint="Save it as UTF-8") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, as ``read_text`` does.

    Raises:
        BadInput: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}", hint="See https://toml.io") from error
