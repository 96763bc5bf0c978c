"""Captions as token rows: the few BPE pieces that the worlds' words need, and one unknown row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from c2l_demo.worlds import World

CONTEXT_LENGTH = 40
PUNCTUATION = (",", ".", "!", "?", "-", "'", "'s", ":", ";", '"')
WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")


@cache
def tokenizer() -> SimpleTokenizer:
    """The stock BPE tokenizer of open_clip."""
    return SimpleTokenizer()


@cache
def pieces(word: str) -> tuple[int, ...]:
    """Stock BPE ids of one word, without start and end."""
    return tuple(tokenizer().encode(word))


class Vocabulary:
    """Stock BPE ids to the rows of a small token table.

    Rows 0..R-1 are `token_ids`, in ascending order, start and end of text last; row R stands for
    every piece that no caption holds.
    """

    def __init__(self, worlds: Iterable[World]) -> None:
        spoken = set().union(*(world.vocabulary() for world in worlds))
        whole = {found for word in spoken for found in WORD.findall(word.lower())}
        parts = {part for word in whole for part in re.split("['-]", word) if part}
        self.words: list[str] = sorted(whole | parts)
        ids = {i for word in (*self.words, *PUNCTUATION) for i in pieces(word)}
        self.sot, self.eot = tokenizer().sot_token_id, tokenizer().eot_token_id
        self.token_ids: list[int] = [*sorted(ids), self.sot, self.eot]
        self.row = {i: row for row, i in enumerate(self.token_ids)}
        self.unknown_row = len(self.token_ids)

    def __len__(self) -> int:
        return self.unknown_row + 1

    def rows(self, caption: str, rng: np.random.Generator | None = None) -> list[int]:
        """Encode one caption.

        Args:
            caption: any text; pieces outside of the table become the unknown row.
            rng: with it, about 2 % of the words are made unknown and one caption in four is
                interrupted by an unknown word, so that words outside of the table do no harm.
        Returns:
            at most CONTEXT_LENGTH rows, start and end included.
        """
        words = [[self.row.get(i, self.unknown_row) for i in pieces(w)] for w in caption.split()]
        if rng is not None:
            for i in np.flatnonzero(rng.random(len(words)) < 0.02):
                words[i] = self._unknown(rng)
            if rng.random() < 0.25:
                words.insert(int(rng.integers(len(words) + 1)), self._unknown(rng))
        flat = [row for word in words for row in word][: CONTEXT_LENGTH - 2]
        return [self.row[self.sot], *flat, self.row[self.eot]]

    def _unknown(self, rng: np.random.Generator) -> list[int]:
        return [self.unknown_row] * int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))

    def batch(
        self, captions: Sequence[str], rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Encode captions.

        Returns:
            rows (B, L), int64, L the longest caption; and where each ends (B,), int64.
        """
        rows = [self.rows(caption, rng) for caption in captions]
        ends = torch.tensor([len(r) - 1 for r in rows])
        longest = int(ends.max()) + 1
        return torch.tensor([r + [0] * (longest - len(r)) for r in rows]), ends
