"""Negation in prompts, which text encoders mostly ignore.

CLIP learnt from captions, and captions name what is there: "a man without a beard" lies near "a man
with a beard". What is unwanted belongs in the negative prompt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# After these an enumeration goes on through "and": "without a beard and glasses".
_WITHOUT = r"without|lacking|minus|sans|free\s+(?:of|from)"
_NOT = r"(?:(?:do|does|is|are|has|have)\s+not|(?:do|does|is|are|has|have)n['\u2019]?t)"
_CUE = rf"""
    (?P<without>{_WITHOUT}) | neither
  | (?:please\s+)?(?:i\s+)?{_NOT}\s+(?:draw|paint|show|add|include|give|want|use|have|wear)
  | {_NOT} | not | no
"""
# These say that nothing is missing: "no one", "no longer", "not only".
_IDIOM = r"""
    no\s*\.?\s*\d | no[ -](?:one|body|man['\u2019]s\s+land|matter|doubt|longer|more)\b
  | not\s+(?:only|just|merely|even|yet|to|too|so|much|far|unlike)\b
"""
# Between a cue and its noun.
_FILL = r"""
    (?:(?:in|on|at|by|with|having|wearing|visible|any|a|an|the|his|her|its|their)\s+)*
"""
# A noun ends before these.
_END = rf"""
    (?:in|on|at|by|with|under|near|behind|before|beside|between|against|from|over|above|below|among
      |amid|through|during|inside|outside|indoors|outdoors|downtown|while|who|which|that|but|and|or
      |nor|wearing|having|standing|sitting|looking|smiling|is|are|has|have|please|bareheaded
      |{_WITHOUT}|neither|no|not|\w+less)\b
"""
_WORD = r"[^\s,;:.!?()]+"
_MORE = rf"{_FILL}(?!{_END}){_WORD}(?:\s+(?!{_END}){_WORD}){{0,4}}"
_LIST = rf"(?:\s*,\s*{_MORE})*\s*,?\s+"
_NEGATED = re.compile(
    rf"""
    (?<![^\s,;(])
    (?P<lead>(?:(?:and|but|with|who|that|he|she|is|has|having|wearing)\s+)*)
    (?!{_IDIOM})(?:{_CUE})\s+{_FILL}
    (?P<what>
        (?!(?:{_WITHOUT}|no|not|and|or)\b){_WORD}(?:\s+(?!{_END}){_WORD}){{0,4}}
        (?:{_LIST}(?:or|nor|(?(without)and|or))\s+{_MORE})?
    )
    (?P<goes_on>\s+and\s+(?=(?!{_END}){_WORD}))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BETWEEN = re.compile(rf"(?:\s*,\s*|\s+(?:and|or|nor)\s+){_FILL}", re.IGNORECASE | re.VERBOSE)
_LONGEST = 1000


@dataclass(frozen=True)
class Negation:
    """A prompt with negation, split in two.

    Args:
        prompt: what is left of it; empty where it only negates.
        negative: what should not be there.
    """

    prompt: str
    negative: tuple[str, ...]


def find_negation(text: str) -> Negation | None:
    """``a man without a beard, no hat`` to ``a man`` and ``("beard", "hat")``; None if it is plain.

    English only, and no longer than a text encoder reads. Words such as "beardless" name what is
    there, and stay.
    """
    text = " ".join(text.split())
    if len(text) > _LONGEST:  # the patterns take quadratic time
        return None
    negative = [
        term.strip(" '\"")
        for found in _NEGATED.finditer(text)
        for term in _BETWEEN.split(found["what"])
    ]
    if not negative:
        return None
    # In "with no beard and a hat" the hat keeps its "with".
    rest = _NEGATED.sub(lambda found: found["lead"] if found["goes_on"] else " ", text)
    rest = re.sub(r"\(\s*\)", " ", rest)
    rest = re.sub(r"\s+([,.;])", r"\1", rest)
    rest = re.sub(r"(?:\s*[,;]\s*)+", ", ", rest).strip(" ,;.!")
    return Negation(" ".join(rest.split()), tuple(dict.fromkeys(negative)))
