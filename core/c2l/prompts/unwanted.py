"""What a picture should stay away from, as embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from c2l.embedder import Embedder


@dataclass(frozen=True)
class Unwanted:
    """Texts that say something to an embedder.

    Args:
        embeddings: (M, E); None where there is none.
        weights: M.
    """

    embeddings: Tensor | None
    weights: tuple[float, ...]

    def of(self, num: int) -> Tensor | None:
        """The embeddings for B = ``num`` samples, (B, M, E)."""
        return None if self.embeddings is None else self.embeddings.expand(num, -1, -1)


def embed_unwanted(embedder: Embedder, negative: Mapping[str, float] | None) -> Unwanted:
    """Embed a negative prompt.

    A text of nothing but words that the embedder has never seen is left out: it has an embedding,
    too, but staying away from that would move the picture at random.
    """
    read = {text: w for text, w in (negative or {}).items() if _says_something(embedder, text)}
    return Unwanted(embedder.embed_text(list(read)) if read else None, tuple(read.values()))


def _says_something(embedder: Embedder, text: str) -> bool:
    rest = text.lower()
    # Longer words first: one may be part of another.
    for word in sorted(embedder.read_text(text).unknown, key=len, reverse=True):
        rest = rest.replace(word.lower(), " ")
    return any(character.isalnum() for character in rest)
