"""Prompts to token ids, with open_clip's own tokenizers, and what of a prompt they leave out.

open_clip cuts long prompts without a word; ``cut`` finds out what was lost.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from torch import Tensor

from c2l.errors import MissingDependency
from c2l_openclip.stock import tokenizers


class Tokenizer(Protocol):
    """Turns prompts into ids of one length."""

    name: str

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Ids, int64, shape (B, context length), on the CPU; long prompts are cut."""

    def cut(self, prompt: str) -> str:
        """The end of the prompt that the ids do not hold; empty if they hold all of it."""


class BPETokenizer:
    """CLIP's byte-pair encoding of 49,408 tokens, which comes with open_clip.

    Args:
        context_length: tokens that the tower reads, start and end token included.
        options: of open_clip's ``SimpleTokenizer``, such as ``clean``.
    """

    def __init__(self, context_length: int, options: Mapping[str, Any] | None = None) -> None:
        stock = tokenizers()
        self.context_length = context_length
        self.name = f"clip-bpe/{context_length}"
        self._pieces: Any = stock.__dict__["_tokenizer"]
        if options:
            self._pieces = stock.SimpleTokenizer(context_length=context_length, **options)
            self.name += "".join(f"/{key}={options[key]}" for key in sorted(options))

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        ids: Tensor = self._pieces(list(prompts), context_length=self.context_length)
        return ids

    def encode(self, text: str) -> list[int]:
        """Ids of a text alone, without start and end token and uncut."""
        ids: list[int] = self._pieces.encode(text)
        return ids

    def clean(self, text: str) -> str:
        """The text as the encoder sees it: repaired Unicode, single spaces, lower case."""
        return _cleaned(self._pieces, text)

    def cut(self, prompt: str) -> str:
        room = self.context_length - 2
        cleaned = self.clean(prompt)
        if _num_tokens(self._pieces, prompt) <= room:
            return ""
        # Pieces are encoded one by one, so counting them finds the first that is not read whole.
        # A cleaned piece can change when it is cleaned again (``&amp;amp;``), hence the last line.
        for piece in self._pieces.pat.finditer(cleaned):
            room -= len(self.encode(piece.group()))
            if room < 0:
                return _as_written(prompt, cleaned, piece.start())
        return _as_written(prompt, cleaned, max(0, cleaned.rfind(" ") + 1))


# A prompt is read several times on its way to a picture, and asked for again with another seed.
@lru_cache(maxsize=256)
def _cleaned(pieces: Any, text: str) -> str:
    cleaned: str = pieces.clean_fn(text)
    return cleaned


@lru_cache(maxsize=256)
def _num_tokens(pieces: Any, text: str) -> int:
    return len(pieces.encode(text))


def _as_written(prompt: str, cleaned: str, start: int) -> str:
    """The rest of the prompt from ``start``, in the user's own capitals where they still align."""
    written = " ".join(prompt.split())
    return written[start:] if written.lower() == cleaned else cleaned[start:]


class HuggingFaceTokenizer:
    """The tokenizer of a Hugging Face text tower, by way of open_clip and transformers.

    Args:
        name: of the tokenizer, as the model's config gives it.
        model: what open_clip's ``get_tokenizer`` takes: an architecture or ``local-dir:FOLDER``.
    Raises:
        MissingDependency: transformers is not installed.
    """

    def __init__(self, name: str, model: str) -> None:
        require_transformers(f"the tokenizer {name}")
        import open_clip

        self._tokenizer: Any = open_clip.get_tokenizer(model)
        self.context_length = int(self._tokenizer.context_length)
        self.name = f"{name}/{self.context_length}"

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        ids: Tensor = self._tokenizer(list(prompts))
        return ids

    def cut(self, prompt: str) -> str:
        words = prompt.split()
        if self._fits(words):
            return ""
        fitting, failing = 0, len(words)
        while failing - fitting > 1:
            middle = (fitting + failing) // 2
            if self._fits(words[:middle]):
                fitting = middle
            else:
                failing = middle
        return " ".join(words[fitting:])

    def _fits(self, words: Sequence[str]) -> bool:
        text = self._tokenizer.clean_fn(" ".join(words))
        return len(self._tokenizer.tokenizer(text).input_ids) <= self.context_length


def require_transformers(what: str) -> None:
    """Raise MissingDependency, with the line to type, unless transformers can be imported."""
    if importlib.util.find_spec("transformers") is None:
        raise MissingDependency(
            f"{what} needs the package transformers, which is not installed",
            hint="Run: pip install transformers sentencepiece",
        )
