"""Prompts that lie far from anything a generator draws.

Training measures how near pictures come to prompts of the generator's domain and to prompts of
other things, and stores the cosine between the two in the prior's file
(``PriorCard.domain["threshold"]``).
"""

from __future__ import annotations

import re

from c2l.embedder import Embedder
from c2l.pipeline import Pipeline, Result

FUNCTION_WORDS = frozenset(
    {"a", "an", "the", "of", "and", "or", "in", "on", "at", "by", "for", "to", "with", "without"}
)
"""They hold sentences together and name nothing that could be drawn."""


def far_prompts(pipeline: Pipeline, result: Result) -> tuple[str, ...]:
    """The prompts that lie far from what the generator draws.

    Those are the ones whose best picture is less alike than the prior's file asks of its domain,
    and those of which the embedder knows no word, so that no likeness means anything.

    Args:
        pipeline: the one that ``result`` was drawn with.
    Returns:
        Each prompt once; none where the prior's file has no threshold.
    """
    card = pipeline.prior.card
    threshold = card.domain.get("threshold") if card else None
    if threshold is None:
        return ()
    best: dict[str, float] = {}
    for prompt, score in zip(result.prompts, result.scores.tolist(), strict=True):
        best[prompt] = max(score, best.get(prompt, score))
    return tuple(
        prompt
        for prompt, score in best.items()
        if score < threshold or _unread(pipeline.embedder, prompt)
    )


def _unread(embedder: Embedder, prompt: str) -> bool:
    unknown = {word.lower() for word in embedder.read_text(prompt).unknown}
    words = set(re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", prompt.lower())) - FUNCTION_WORDS
    return bool(unknown) and words <= unknown
