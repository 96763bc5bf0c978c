"""Each family does what a generator is for: pairs, a prior, pictures of text, their scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from gan_goldens import ONE_OF_EACH, Golden

import c2l
from c2l.service import convert_file, inspect_file
from c2l.testing import ToyEmbedder


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_from_a_file_to_pictures_of_text(name: str, tmp_path: Path) -> None:
    path = str(Golden(name).path)
    told = inspect_file(path)
    convert_file(path, tmp_path / "network.safetensors")
    generator = c2l.load_generator(str(tmp_path / "network.safetensors"))
    assert (told["height"], told["width"]) == generator.image_size
    assert told["classes"] == (generator.classes.num if generator.classes else 0)

    embedder = ToyEmbedder()
    pairs = c2l.build_pairs(generator, embedder, 64, tmp_path / "pairs")
    c2l.train_prior(
        "flow",
        pairs,
        tmp_path / "prior.safetensors",
        steps=2,
        settings={"hidden": 16},
        student=False,  # which takes longer than all else, and does not know the family
    )
    prior = c2l.load_prior(str(tmp_path / "prior.safetensors"))
    pipeline = c2l.Pipeline(generator, embedder, prior)
    drawn = pipeline("a thing", seeds=[1, 2])
    assert drawn.images.shape == (2, 3, *generator.image_size)
    scores = c2l.evaluate(pipeline, ["a thing", "another"], num_images=1, num_reference=8)
    assert scores
