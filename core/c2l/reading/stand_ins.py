"""Files that are certainly not weights: empty ones, web pages, pointers of Git LFS."""

from __future__ import annotations

from pathlib import Path

from c2l.errors import BadWeights
from c2l_registry.stand_ins import ENOUGH, recognise_stand_in


def refuse_stand_in(path: Path) -> None:
    """Refuse what an address gave, or a repository holds, in place of weights.

    Args:
        path: a file; a folder is accepted unread.
    Raises:
        BadWeights: says what it is instead, or that it cannot be read.
    """
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            stand_in = recognise_stand_in(file.read(ENOUGH))
    except OSError as error:
        raise BadWeights(
            f"cannot read {path}: {error.strerror or error}", hint="Check its permissions"
        ) from error
    if stand_in:
        raise BadWeights(f"{path} is {stand_in.what}, not weights", hint=stand_in.hint)
