"""Prompts as clients of AUTOMATIC1111's web UI write them, as plain text.

They weigh words, as in ``(red hair:1.2)``, and name networks, as in ``<lora:details:0.6>``. The
embedders of c2l would read the marks as words.
"""

from __future__ import annotations

import re

# What is repeated is bounded, so that no prompt takes longer than its length.
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>]{0,200}>", re.IGNORECASE)
_WEIGHT = re.compile(r":\s{0,3}[+-]?\d{0,4}\.?\d{1,6}\s{0,3}(?=[)\]])")
_MARK = re.compile(r"(?<!\\)[()\[\]]|\bBREAK\b")
_ESCAPED = re.compile(r"\\([()\[\]])")
_COMMAS = re.compile(r" ?,[ ,]*")


def plain_prompt(text: str) -> str:
    """The words of a prompt."""
    for pattern in (_NETWORK, _WEIGHT, _MARK):
        text = pattern.sub("", text)
    words = " ".join(_ESCAPED.sub(r"\1", text).split())
    return _COMMAS.sub(", ", words).strip(" ,")
