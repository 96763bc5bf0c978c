"""Notices about a request: things a user should know that are not errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from c2l.embedder import Embedder
from c2l.pipeline import Pipeline
from c2l.prior import Prior
from c2l.prompts.far import is_far
from c2l.prompts.negation import find_negation
from c2l.sampling.request import DrawRequest, Request

Kind = Literal[
    "device",
    "precision",
    "option",
    "words",
    "length",
    "negation",
    "far",
    "weights",
    "resumed",
    "offer",
    "time",
    "path",
    "saved",
    "short",
    "ranks",
    "pairs",
]

_LONGEST = 100
"""Characters of a prompt that a notice repeats."""


@dataclass(frozen=True)
class Notice:
    """Something a user should know that is not an error.

    Args:
        kind: what it is about.
        text: one line, with fields in backquotes as in errors.
        field: of the request, if it is about one.
    """

    kind: Kind
    text: str
    field: str = ""


Tell = Callable[[Notice], None]


def notices_before(pipeline: Pipeline, request: DrawRequest) -> Iterator[Notice]:
    """Options that the prior ignores, words that the embedder cannot read, and negation."""
    yield from notices_of_ignored(pipeline.prior, request.given)
    yield from _unlearnt_classes(pipeline, request)
    texts = [text for prompt in request.prompts for text in prompt]
    for text in dict.fromkeys(texts):
        yield from _unread(pipeline.embedder, text, "prompt")
    for text in request.negative or ():
        if text not in texts:
            yield from _unread(pipeline.embedder, text, "negative")
    if "negative" in pipeline.prior.supported_options:
        for text in dict.fromkeys(texts):
            yield from _negated(text, request.negative or {})


def notices_of_ignored(prior: Prior, given: Iterable[str]) -> Iterator[Notice]:
    """That the prior ignores some of the options that are given."""
    kind = prior.reference.partition(":")[0]
    for name in sorted(prior.ignored_options.intersection(given)):
        yield Notice("option", f"{kind} ignores `{name}`", name)


def _unlearnt_classes(pipeline: Pipeline, request: DrawRequest) -> Iterator[Notice]:
    prior, known = pipeline.prior, pipeline.generator.classes
    if request.class_label is not None and known is not None and not prior.config.num_classes:
        kind = prior.reference.partition(":")[0] or "the prior"
        told = f"{kind} did not learn classes: what it samples is moved into `class_label`"
        yield Notice("option", told, "class_label")


def notices_of_weights(pipeline: Pipeline, request: Request) -> Iterator[Notice]:
    """That parts have other weights than those that a record was drawn with."""
    here = pipeline.provenance["fingerprints"]
    for role, fingerprint in (request.fingerprints or {}).items():
        if here.get(role, fingerprint) != fingerprint:
            name = getattr(pipeline, role).reference or f"the {role}"
            yield Notice(
                "weights",
                f"the picture was drawn with other weights of {name}, and may look different",
            )
    files = pipeline.provenance.get("plugin_files", {})
    for file, sha256 in (request.plugin_files or {}).items():
        if files.get(file, sha256) != sha256:
            yield Notice(
                "weights",
                f"{file} has changed since it was drawn, and the picture may look different",
            )


def notice_of_far(pipeline: Pipeline, prompt: str, best_score: float) -> Notice | None:
    """The notice that a prompt lies far from what the generator draws; None if it does not.

    Args:
        best_score: the highest score among the pictures of the prompt.
    """
    card = pipeline.prior.card
    threshold = card.domain.get("threshold") if card else None
    if not is_far(pipeline.embedder, prompt, best_score, threshold):
        return None
    return Notice(
        "far",
        f"'{_in_short(prompt)}' is far from what {pipeline.generator.reference} draws; "
        "this is the nearest it can do",
        "prompt",
    )


def _in_short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _unread(embedder: Embedder, text: str, field: str) -> Iterator[Notice]:
    reading = embedder.read_text(text)
    if reading.unknown:
        words = ", ".join(f"'{word}'" for word in reading.unknown)
        them = "them" if len(reading.unknown) > 1 else "it"
        told = f"{embedder.reference} does not know {words}; drawing without {them}"
        yield Notice("words", told, field)
    if reading.cut:
        cut = _in_short(reading.cut)
        told = f"the prompt is too long for {embedder.reference}; cut: '{cut}'"
        yield Notice("length", told, field)


def _negated(text: str, negative: Mapping[str, float]) -> Iterator[Notice]:
    found = find_negation(text)
    if found is None:
        return
    given = [name if weight == 1 else f"{name}:{weight:g}" for name, weight in negative.items()]
    unwanted = ", ".join([*given, *(name for name in found.negative if name not in negative)])
    wanted = f"`prompt={_quoted(found.prompt)}`" if found.prompt else "say what to draw, and"
    advice = f"{wanted} `negative={_quoted(unwanted)}`"
    told = f"text encoders hardly read negation in '{text}'. Better: {advice}"
    yield Notice("negation", told, "prompt")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
