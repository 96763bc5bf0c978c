"""Prompts: one text, or several blended by weight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from c2l.blending import blend_embeddings
from c2l.embedder import Embedder
from c2l.errors import BadInput

Prompt = str | Mapping[str, float]
"""A text, or texts with their weights, as in ``{"a man": 1, "a pirate": 0.4}``."""

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
# 12:30 and 16:9 are text: a weight right after a digit has a point.
_WEIGHTED = re.compile(
    rf"(?P<text>.*\S)\s*(?:(?<!\d):\s*(?P<any>{_NUMBER})|:\s*(?P<pointed>\d*\.\d+))\s*",
    re.DOTALL,
)
_WEIGHT_ALONE = re.compile(rf":\s*(?:{_NUMBER})")
_MISTYPED = re.compile(r"(?P<text>.*\S):(?P<weight>|[^\s:\d][^\s:]*|(?<!\d:)\d[^\s:]*)", re.DOTALL)


def parse_weighted(text: str) -> tuple[str, float]:
    """``a pirate:0.4`` to ``("a pirate", 0.4)``; without a number the weight is 1.

    A whole number right after a digit and a colon is text, as in ``a clock at 12:30``: write
    ``at 12:30:1.0`` to weigh that. So is what follows a blank, as in ``a man: smiling``.

    Raises:
        BadInput: a word right after the last colon, which is most likely a mistyped weight; or a
            weight alone.
    """
    text = text.strip()
    if found := _WEIGHTED.fullmatch(text):
        return found["text"].strip(), float(found["any"] or found["pointed"])
    if _WEIGHT_ALONE.fullmatch(text):
        raise BadInput(f"'{text}' is a weight without a text", hint="Write it as in 'a pirate:0.4'")
    if wrong := _MISTYPED.fullmatch(text):
        raise BadInput(
            f"the weight '{wrong['weight']}' in '{text}' is not a number above 0",
            hint=f"Write '{wrong['text']}:0.5', or put a space after a colon of the text",
        )
    return text, 1.0


def check_text(text: str, field: str) -> None:
    """Raises ``BadInput`` if ``text`` is empty, or cannot be encoded as UTF-8."""
    if not text.strip():
        raise BadInput(
            "the prompt is empty", hint="Say what to draw, as in 'a happy man'", field=field
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"{text!a} is not UTF-8 text",
            hint="Type it in a terminal that is set to UTF-8",
            field=field,
        ) from None
    if "\0" in text:
        raise BadInput(f"{text!a} contains a zero byte", hint="Leave it out", field=field)


def name_of(prompt: Mapping[str, float]) -> str:
    """A prompt in one line: ``a man + a pirate:0.4``; a single text is its own name."""
    if len(prompt) == 1:
        return next(iter(prompt))
    return " + ".join(t if weight == 1 else f"{t}:{weight:g}" for t, weight in prompt.items())


def embed_prompts(embedder: Embedder, prompts: Sequence[Mapping[str, float]]) -> Tensor:
    """Prompts to embeddings, float32, (P, E), of the length that the embedder gives texts.

    A blend points to the weighted mean of its texts' directions.
    """
    texts = list(dict.fromkeys(text for prompt in prompts for text in prompt))
    embeddings = dict(zip(texts, embedder.embed_text(texts), strict=True))
    return torch.stack([_blend(prompt, embeddings) for prompt in prompts])


def _blend(prompt: Mapping[str, float], embeddings: Mapping[str, Tensor]) -> Tensor:
    rows = torch.stack([embeddings[text] for text in prompt])
    weights = torch.tensor(list(prompt.values()), dtype=rows.dtype, device=rows.device)
    return blend_embeddings(rows, weights)
