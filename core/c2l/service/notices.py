"""What a user should hear about a request: one line each, before it is drawn or after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from c2l.embedder import Embedder
from c2l.pipeline import Pipeline
from c2l.prompts.far import is_far
from c2l.prompts.negation import find_negation
from c2l.sample_options import CHOICES
from c2l.sampling.request import DrawRequest

Kind = Literal["device", "option", "words", "length", "negation", "far", "weights", "resumed"]

_LONGEST = 100
"""Characters of a prompt that a notice repeats."""


@dataclass(frozen=True)
class Notice:
    """Something to tell the user that is not an error.

    Args:
        kind: what it is about.
        text: one line; fields stand in backquotes, as in errors.
    """

    kind: Kind
    text: str


def notices_before(pipeline: Pipeline, request: DrawRequest) -> Iterator[Notice]:
    """Options that the prior ignores, words that the embedder cannot read, and negation."""
    kind = pipeline.prior.reference.partition(":")[0]
    for name in sorted(set(request.given) & (CHOICES - pipeline.prior.supported_options)):
        yield Notice("option", f"{kind} ignores `{name}`")
    texts = [text for prompt in request.prompts for text in prompt]
    for text in dict.fromkeys([*texts, *(request.negative or ())]):
        yield from _unread(pipeline.embedder, text)
    if "negative" in pipeline.prior.supported_options:
        for text in dict.fromkeys(texts):
            yield from _negated(text)


def notice_of_far(pipeline: Pipeline, prompt: str, best_score: float) -> Notice | None:
    """That a prompt lies far from what the generator draws; after its pictures are drawn."""
    card = pipeline.prior.card
    threshold = card.domain.get("threshold") if card else None
    if not is_far(pipeline.embedder, prompt, best_score, threshold):
        return None
    return Notice(
        "far",
        f"'{_in_short(prompt)}' is far from what {pipeline.generator.reference} draws; "
        "this is the nearest it can do",
    )


def _in_short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _unread(embedder: Embedder, text: str) -> Iterator[Notice]:
    reading = embedder.read_text(text)
    if reading.unknown:
        words = ", ".join(f"'{word}'" for word in reading.unknown)
        yield Notice("words", f"{embedder.reference} does not know {words}; drawing without")
    if reading.cut:
        cut = _in_short(reading.cut)
        yield Notice("length", f"the prompt is too long for {embedder.reference}; cut: '{cut}'")


def _negated(text: str) -> Iterator[Notice]:
    found = find_negation(text)
    if found is None:
        return
    unwanted = ", ".join(found.negative)
    if found.prompt:
        advice = f'`prompt="{found.prompt}"` with `negative="{unwanted}"`'
    else:
        advice = f'say what to draw, with `negative="{unwanted}"`'
    yield Notice("negation", f"text encoders hardly read negation in '{text}'. Better: {advice}")
