"""Pictures moved in Python: lazily, as one record, by directions of their own generator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import c2l
from c2l.editing.edit import Adhering
from c2l.errors import BadInput, IncompatibleParts
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior(guidance=64))


@pytest.fixture(scope="module")
def direction(pipeline: c2l.Pipeline) -> c2l.Direction:
    return pipeline.direction("shape1", "shape2", num=16)


def test_each_picture_at_each_strength(
    pipeline: c2l.Pipeline, direction: c2l.Direction, tmp_path: Path
) -> None:
    result = pipeline("shape1", num_images=2)
    moved = result.move(direction, [0, 1]).draw()
    assert len(moved) == 4
    torch.testing.assert_close(moved.images[::2], result.images)
    layers = result.latents.expand(-1, 5, -1)
    torch.testing.assert_close(moved.latents[1::2], direction.apply(layers))
    (path,) = result[0].move(direction).move(direction, -0.5).save(tmp_path)
    again = pipeline.edit(path).draw()
    torch.testing.assert_close(again.latents[0], direction.apply(layers[:1], 0.5)[0])


def test_one_kept_text_is_not_its_letters(pipeline: c2l.Pipeline) -> None:
    kept = pipeline.direction("shape1", "shape2", keep="colour0", num=8)
    assert kept.card.made["keep"] == ["colour0"]


def test_adhering_waits_until_it_is_drawn(pipeline: c2l.Pipeline) -> None:
    adhering = pipeline.edit("shape1", seed=4).adhere("shape2")
    assert isinstance(adhering, Adhering) and "found" not in vars(adhering)
    assert len(adhering) == 1
    drawn = adhering.draw()
    (found,) = adhering.found
    assert found.after >= found.before
    assert drawn.records[0]["latents"]["name"] == "shape2"
    base = pipeline.edit("shape1", seed=4).draw().latents
    torch.testing.assert_close(drawn.latents, found.direction.apply(base))


def test_what_cannot_be_moved(pipeline: c2l.Pipeline, direction: c2l.Direction) -> None:
    with pytest.raises(BadInput, match="strength"):
        pipeline.edit("shape1").move(direction, 1e9)
    other = c2l.Pipeline(ToyGenerator(salt=1), ToyEmbedder(), ToyPrior())
    with pytest.raises(IncompatibleParts, match="this direction moves latents of toy:generator"):
        other.edit(3).move(direction)
    with pytest.raises(BadInput, match="too few"):
        pipeline.direction("shape1", "shape2", num=2)
