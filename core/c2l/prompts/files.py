"""Files of prompts: one on each line."""

from __future__ import annotations

import re
from pathlib import Path

from c2l.errors import BadInput

# What editors call a line end. ``str.splitlines`` also splits at U+2028, form feeds and others.
_LINE_END = re.compile("\r\n|\n|\r")


def read_prompts(path: Path) -> list[str]:
    """Read a text file in UTF-8 with one prompt on each line; blank lines are skipped.

    Raises:
        BadInput: it cannot be read, is in another encoding, or holds no prompt.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror or error}",
            hint="Check the path",
            field="prompts_file",
        ) from error
    try:
        text = data.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("zero bytes, as in UTF-16")
    except ValueError as error:
        raise BadInput(
            f"{path} is not in UTF-8: {error}",
            hint="Save it as UTF-8, one prompt a line",
            field="prompts_file",
        ) from error
    prompts = [line.strip() for line in _LINE_END.split(text) if line.strip()]
    if not prompts:
        raise BadInput(
            f"{path} holds no prompt", hint="Write one on each line", field="prompts_file"
        )
    return prompts


def read_distinct_prompts(path: Path) -> list[str]:
    """As ``read_prompts``, each prompt once: for statistics, in which each counts as independent.

    Raises:
        BadInput: as ``read_prompts``.
    """
    return list(dict.fromkeys(read_prompts(path)))
