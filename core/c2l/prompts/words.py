"""Words of prompts: those that name something, and those that an embedder does not know."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch.nn.functional import normalize

from c2l.embedder import Embedder

FUNCTION_WORDS = frozenset(
    {"a", "an", "the", "of", "and", "or", "in", "on", "at", "by", "for", "to", "with", "without"}
)
"""Words that name nothing that could be drawn."""
NONSENSE = ("qzxv", "wkpjy")
ALIKE = 1e-6
"""1 - cosine of two texts that an embedder reads as the same."""


def naming_words(prompt: str) -> frozenset[str]:
    """The words of a prompt, in lower case, that name something."""
    return frozenset(re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", prompt.lower())) - FUNCTION_WORDS


@torch.no_grad()
def words_read_as_nonsense(embedder: Embedder, prompts: Sequence[str]) -> frozenset[str]:
    """The words of prompts that an embedder reads as it does any letters.

    So do towers with a list of words, which need not say it (``Embedder.read_text``). Towers that
    read pieces of words tell even nonsense apart.
    """
    first, second = _unit(embedder, NONSENSE)
    if 1 - first @ second > ALIKE:
        return frozenset()
    words = sorted(frozenset().union(*map(naming_words, prompts)))
    alike = 1 - _unit(embedder, words) @ first < ALIKE if words else ()
    return frozenset(word for word, same in zip(words, alike, strict=True) if same)


def _unit(embedder: Embedder, words: Sequence[str]) -> torch.Tensor:
    return normalize(embedder.embed_text([f"a {word}" for word in words]).double(), dim=1)
