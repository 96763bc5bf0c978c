"""Files: written so that they are whole or not there, and TOML read as people save it."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from c2l.errors import BadInput
from c2l_registry.files import ANOTHER_PLACE, draft_of, remove_partials, write_atomically
from c2l_registry.paths import cannot_write

__all__ = [
    "draft_of",
    "read_text",
    "read_toml",
    "remove_partials",
    "write_atomically",
    "write_new_png",
]


def write_new_png(
    folder: Path,
    stem: str,
    write: Callable[[Path], object],
    *,
    on_name: Callable[[Path], object] = lambda path: None,
) -> Path:
    """Write ``stem.png`` in a folder, or with a number where that is taken.

    Nothing is overwritten: the name is taken by an empty file first, which another process sees.

    Args:
        write: writes the file.
        on_name: told each name before it is tried.
    Raises:
        NotWritable: the folder cannot be written.
    """
    for number in itertools.count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        if path.exists():
            continue
        on_name(path)
        try:
            path.open("x").close()
            break
        except FileExistsError:
            continue
        except OSError as error:
            raise cannot_write(path, error, hint=ANOTHER_PLACE) from error
    try:
        write(path)
    finally:
        if path.exists() and not path.stat().st_size:
            path.unlink()
    return path


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
