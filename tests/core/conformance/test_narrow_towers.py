"""An embedder may know few words, as long as it says which it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from torch import Tensor

import c2l
from c2l.conformance.law import Breach
from c2l.conformance.laws.embedders import the_text_decides
from c2l.testing import ToyEmbedder


class Narrow(ToyEmbedder):
    """Knows none of the words that laws use."""

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(["a man"] * len(prompts))


class SaysSo(Narrow):
    def read_text(self, prompt: str) -> c2l.TextReading:
        return c2l.TextReading(unknown=tuple(prompt.split()))


def test_one_that_says_so_may_read_them_alike() -> None:
    the_text_decides(SimpleNamespace(part=SaysSo()))  # type: ignore[arg-type]


def test_one_that_does_not_is_told_how() -> None:
    with pytest.raises(Breach, match=r"one embedding; .* `read_text`"):
        the_text_decides(SimpleNamespace(part=Narrow()))  # type: ignore[arg-type]
