"""Negation in a prompt, which text encoders hardly read.

CLIP learnt from captions, and captions name what is there: "a man without a beard" lies near "a man
with a beard". What is unwanted belongs into the negative prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOUN_ENDS = (
    r"in|on|at|by|with|under|near|behind|before|beside|between|against|from|over|while|who|which"
    r"|that|but|wearing|standing|sitting|looking|smiling|is|are|has|during|above|below"
)
_NEGATED = re.compile(
    r"(?:^|[\s,;(]+)(?:and\s+|but\s+|with\s+|who\s+|has\s+|having\s+|wearing\s+)*"
    r"(?:without|no|not|lacking|minus|sans|isn't|doesn't\s+have|does\s+not\s+have|free\s+of)\s+"
    r"(?:any\s+|a\s+|an\s+|the\s+|his\s+|her\s+|having\s+|wearing\s+|with\s+)*"
    rf"(?P<what>[^\s,;.()]+(?:\s+(?!(?:{_NOUN_ENDS}|without|no|not)\b)[^\s,;.()]+){{0,5}})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s+(?:and|or|nor|&)\s+(?:any\s+|a\s+|an\s+|no\s+)?", re.IGNORECASE)
_LONGEST = 1000
_IDIOMS = re.compile(r"\bno\s+(?:one|man's\s+land|matter|doubt|\.?\s*\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Negation:
    """A prompt that negates, taken apart.

    Args:
        prompt: what is left of it; empty where it only negates.
        negative: what it says should not be there.
    """

    prompt: str
    negative: tuple[str, ...]


def find_negation(text: str) -> Negation | None:
    """``a man without a beard, no hat`` to ``a man`` and ``("beard", "hat")``; None if it is plain.

    English only, and no longer than a text encoder reads.
    """
    text = " ".join(text.split())
    if len(text) > _LONGEST:  # the patterns take quadratic time
        return None
    if _IDIOMS.search(text):
        return None
    negative = [
        term.strip(" '\"")
        for found in _NEGATED.finditer(text)
        for term in _BETWEEN.split(found["what"])
    ]
    if not negative:
        return None
    rest = re.sub(r"\s+([,.;])", r"\1", _NEGATED.sub(" ", text))
    rest = re.sub(r"(?:\s*[,;]\s*)+", ", ", rest).strip(" ,;.")
    return Negation(" ".join(rest.split()), tuple(dict.fromkeys(negative)))
