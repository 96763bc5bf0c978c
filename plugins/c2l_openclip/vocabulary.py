"""A token table with few rows: what a small embedder knows of the 49,408 tokens.

The key ``c2l`` of ``open_clip_config.json`` holds ``token_ids`` (ids of CLIP's byte-pair encoding
in ascending order; row i of ``token_embedding.weight`` belongs to ``token_ids[i]``),
``unknown_row`` (the row of every other token) and ``words`` (the words seen in training).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.errors import BadWeights

START, END = 49406, 49407
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_JOINT = re.compile(r"['\u2019-]")
# What English hangs on to a word with an apostrophe; the word itself is what must be known.
_ENDINGS = frozenset({"s", "t", "re", "ve", "m", "ll", "d"})


@dataclass(frozen=True)
class Vocabulary:
    """Which tokens have rows of their own, and which words were seen in training."""

    token_ids: tuple[int, ...]
    unknown_row: int
    words: frozenset[str]

    @classmethod
    def read(cls, config: Mapping[str, Any], name: str) -> Vocabulary:
        """Take the key ``c2l`` of a folder's config.

        Raises:
            BadWeights: a field is missing or unusable.
        """
        try:
            ids = tuple(int(i) for i in config["token_ids"])
            words = frozenset(str(word).lower() for word in config["words"])
            unknown_row = int(config["unknown_row"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadWeights(
                f"{name}: the key c2l needs token_ids, unknown_row and words: {error!r}",
                hint="Write the folder again",
            ) from error
        if list(ids) != sorted(set(ids)) or not ids or ids[0] < 0 or ids[-1] > END:
            raise BadWeights(
                f"{name}: token_ids must ascend, from 0 to {END} at most",
                hint="Write the folder again",
            )
        if START not in ids or END not in ids or unknown_row < 0:
            raise BadWeights(
                f"{name}: the start and end token ({START}, {END}) and the unknown row need rows",
                hint="Write the folder again",
            )
        return cls(ids, unknown_row, words)

    def table(self) -> Tensor:
        """The row of every token: int64, shape (49408,)."""
        rows = torch.full((END + 1,), self.unknown_row)
        rows[torch.tensor(self.token_ids)] = torch.arange(len(self.token_ids))
        return rows

    def digest(self) -> str:
        """For the fingerprint: changes with what decides the rows, not with the list of words."""
        text = json.dumps([self.token_ids, self.unknown_row])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def unknown_words(self, cleaned: str) -> tuple[str, ...]:
        """Words of a cleaned, lower-case prompt that were never seen, in its order, once each."""
        found = dict.fromkeys(_WORD.findall(cleaned))
        return tuple(word for word in found if not self._knows(word))

    def _knows(self, word: str) -> bool:
        if word in self.words:
            return True
        parts = _JOINT.split(word)
        if len(parts) > 1 and parts[-1] in _ENDINGS and "-" not in word[-len(parts[-1]) - 1 :]:
            parts.pop()
        return len(parts) > 0 and all(part in self.words for part in parts)
