"""Files of prompts: one on each line."""

from __future__ import annotations

import re
from pathlib import Path

from c2l.errors import BadInput
from c2l.files import read_text

# What editors call a line end. ``str.splitlines`` also splits at U+2028, form feeds and others.
_LINE_END = re.compile("\r\n|\n|\r")


def read_prompts(path: Path, *, field: str = "prompts") -> list[str]:
    """Read a text file in UTF-8 with one prompt on each line; blank lines are skipped.

    Args:
        field: the one that named the file, for errors.
    Raises:
        BadInput: it cannot be read, is in another encoding, or holds no prompt.
    """
    text = read_text(path, field=field)
    prompts = [line.strip() for line in _LINE_END.split(text) if line.strip()]
    if not prompts:
        raise BadInput(f"{path} holds no prompt", hint="Write one on each line", field=field)
    return prompts


def read_distinct_prompts(path: Path, *, field: str = "prompts") -> list[str]:
    """As ``read_prompts``, without repetitions, for statistics over independent prompts.

    Raises:
        BadInput: as ``read_prompts``.
    """
    return list(dict.fromkeys(read_prompts(path, field=field)))
