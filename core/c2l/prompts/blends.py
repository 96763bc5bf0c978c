"""What can be asked: one text, or several blended by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.embedder import Embedder
from c2l.errors import BadInput

Prompt = str | Mapping[str, float]
"""A text, or texts with their weights, as in ``{"a man": 1, "a pirate": 0.4}``."""


def as_prompts(prompts: Prompt | Sequence[Prompt]) -> list[Mapping[str, float]]:
    """One prompt or several, each as texts with positive weights.

    Raises:
        BadInput: an empty text, or a weight that is not above 0.
    """
    several = [prompts] if isinstance(prompts, (str, Mapping)) else list(prompts)
    weighted: list[Mapping[str, float]] = [
        {p: 1.0} if isinstance(p, str) else dict(p) for p in several
    ]
    if not weighted or any(not texts or not all(t.strip() for t in texts) for texts in weighted):
        raise BadInput("the prompt is empty", hint='Say what to draw: c2l sample "a happy man"')
    for texts in weighted:
        for text, weight in texts.items():
            if not 0 < weight < float("inf"):
                raise BadInput(
                    f"'{text}' has weight {weight:g}",
                    hint="Weights are above 0; what is unwanted goes into the negative prompt",
                )
    return weighted


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
    if len(prompt) == 1:
        return embeddings[next(iter(prompt))]
    rows = torch.stack([embeddings[text] for text in prompt])
    weights = torch.tensor(list(prompt.values()), dtype=rows.dtype, device=rows.device)
    weights /= weights.sum()
    length = weights @ torch.linalg.vector_norm(rows, dim=1)
    return length * normalize(weights @ normalize(rows, dim=1), dim=0)
