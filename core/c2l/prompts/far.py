"""Prompts that lie far from anything a generator draws.

Training measures how near pictures come to prompts of the generator's domain and to prompts of
other things, and stores the cosine between the two in the prior's file
(``PriorCard.domain["threshold"]``).
"""

from __future__ import annotations

from c2l.embedder import Embedder
from c2l.prompts.words import naming_words


def is_far(embedder: Embedder, prompt: str, best_score: float, threshold: float | None) -> bool:
    """Whether a prompt lies far from what the generator draws.

    It does if its best picture scores below the threshold, or if the embedder knows none of its
    words, which makes the score meaningless.

    Args:
        best_score: the highest cosine among the pictures of the prompt.
        threshold: ``PriorCard.domain["threshold"]``; None if not measured.
    """
    return threshold is not None and (best_score < threshold or _knows_no_word(embedder, prompt))


def _knows_no_word(embedder: Embedder, prompt: str) -> bool:
    unknown = {word.lower() for word in embedder.read_text(prompt).unknown}
    return bool(unknown) and naming_words(prompt) <= unknown
