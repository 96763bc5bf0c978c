"""Tokens of any text are open_clip's, though its tokenizer is loaded without the rest of it."""

from __future__ import annotations

import sys
from types import ModuleType

import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from c2l_openclip import stock
from c2l_openclip.tokens import BPETokenizer

PIECES = ["a ", "photo", " of", "'s", "&amp;", "&lt;b&gt;", "\u00e9", "e\u0301", "\u2026", "\u4e2d"]
PIECES += [
    "\U0001f600",
    " \t\n",
    "123",
    "<start_of_text>",
    "<end_of_text>",
    "\ufb01",
    "\u0130",
    "\0",
]
TEXTS = st.lists(
    st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def alone() -> ModuleType:
    """The module as it is loaded where nothing has imported open_clip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "open_clip")
        return stock.tokenizers()


@pytest.mark.parametrize(
    ("length", "options"),
    [(77, None), (16, {"clean": "canonicalize"}), (9, {"clean": "whitespace"})],
    ids=["plain", "canonicalize", "whitespace"],
)
def test_tokens_are_those_of_open_clip(alone, length, options) -> None:
    theirs = open_clip.SimpleTokenizer(context_length=length, **(options or {}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("c2l_openclip.tokens.tokenizers", lambda: alone)
        ours = BPETokenizer(length, options)
    assert type(ours._pieces).__module__ != type(theirs).__module__

    @settings(max_examples=40, deadline=None)
    @given(TEXTS)
    def compare(texts: list[str]) -> None:
        assert torch.equal(ours(texts), theirs(texts))
        # What is cut is what is not read: without it, the tokens are the same.
        for text in texts:
            assert bool(ours.cut(text)) == (len(theirs.encode(text)) > length - 2)

    compare()
