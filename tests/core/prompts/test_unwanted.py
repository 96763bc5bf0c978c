"""Negative prompts of which the embedder knows some words, or none."""

from __future__ import annotations

import pytest
import torch

import c2l


@pytest.fixture(scope="module")
def faces() -> c2l.Pipeline:
    return c2l.load_pipeline("demo-faces", device="cpu")


def drawn(faces: c2l.Pipeline, negative: str | None, **how: object) -> torch.Tensor:
    return faces("a young woman", seed=3, negative=negative, **how).latents


@pytest.mark.parametrize("negative", ["zyxt", "Lowres, zyxt-qwv", "???"])
def test_words_that_nobody_knows_change_nothing(faces: c2l.Pipeline, negative: str) -> None:
    assert torch.equal(drawn(faces, negative), drawn(faces, None))
    assert faces("a young woman", seed=3, negative=negative).records[0]["negative"]


@pytest.mark.parametrize("by", ["embedding", "guidance"])
def test_the_others_count_alone(faces: c2l.Pipeline, by: str) -> None:
    both = drawn(faces, "zyxt, glasses", negative_by=by)
    assert torch.equal(both, drawn(faces, "glasses", negative_by=by))
    assert not torch.equal(both, drawn(faces, None))
    part = drawn(faces, "zyxt glasses", negative_by=by)  # one text, half of it read
    assert not torch.equal(part, drawn(faces, None))


def test_an_edit_leaves_them_out_as_well(faces: c2l.Pipeline) -> None:
    plain, same = (
        faces.edit("a young woman", seed=3, **how).draw().latents
        for how in ({}, {"negative": "zyxt"})
    )
    assert torch.equal(plain, same)
