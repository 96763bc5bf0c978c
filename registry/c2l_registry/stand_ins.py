"""What is found where weights should be: nothing, a web page, an error message, a pointer.

A server that asks for a login, or an address that has expired, often answers with a page as if all
were well; and a repository cloned without Git LFS holds pointers in place of its large files.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ENOUGH = 512
"""Bytes of a file's beginning that tell."""


class StandIn(NamedTuple):
    """Something that is certainly not weights.

    Args:
        what: as in "it is a web page".
        hint: what to do about it.
    """

    what: str
    hint: str


_EMPTY = StandIn("an empty file", "Fetch or copy it again")
_MARKS = (
    (rb"(<\?xml[^>]*>\s*)?<(!doctype html|html|head|body)\b",
     StandIn("a web page", "Fetch it again, from the address of the file itself")),
    (rb"<\?xml[^>]*>\s*<error\b",
     StandIn("an error message of a server", "Fetch it again: its address may have expired")),
    (rb"version https://git-lfs",
     StandIn("a Git LFS pointer", "Run 'git lfs pull' in its repository")),
)  # fmt: skip
_STAND_INS = tuple(
    (re.compile(rb"(\xef\xbb\xbf)?\s*" + mark, re.I), stand_in) for mark, stand_in in _MARKS
)


def recognise_stand_in(beginning: bytes) -> StandIn | None:
    """What a file is that begins like this, if it is certainly not weights.

    Args:
        beginning: the first ``ENOUGH`` bytes, or all that there are.
    """
    if len(beginning) < ENOUGH and not beginning.strip():
        return _EMPTY
    return next((found for mark, found in _STAND_INS if mark.match(beginning)), None)
