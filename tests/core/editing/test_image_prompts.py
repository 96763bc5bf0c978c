"""Image prompts: drawn from the embedding in the record, alone or on the way from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import c2l
from c2l.errors import BadInput, BadPicture
from c2l.photos import photo_of
from c2l.sampling.operations import PhotoLatents
from c2l.sampling.record import request_of
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


def photo(pipeline: c2l.Pipeline) -> torch.Tensor:
    return pipeline.generator.synthesize(pipeline.generator.sample_latents([9]))[0]


def test_it_is_what_the_prior_answers_for_the_embedding(pipeline: c2l.Pipeline) -> None:
    seen = pipeline.embedder.embed_images(photo_of(photo(pipeline)).fitted((8, 8)).pixels)
    wanted = pipeline.prior.sample(seen.expand(2, -1), seeds=[4, 5], modality="image")
    drawn = pipeline.like(photo(pipeline), num_images=2, seed=4).draw()
    torch.testing.assert_close(drawn.latents, wanted.expand(-1, 5, -1))
    assert drawn.seeds == (4, 5)


def test_the_photo_is_not_needed_to_draw_it_again(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    photo_of(photo(pipeline)).image.resize((30, 20)).save(path)
    (picture,) = pipeline.like(path, "shape1", weight=0.3).draw()
    named = picture.record["latents"]["photo"]
    assert named == photo_of(path).sha256
    path.unlink()
    request = request_of(picture.record, "it")
    (again,) = pipeline.draw_operations([request.latents])
    assert torch.equal(again.images[0], picture.image)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_ends_of_a_blend_are_the_prompt_and_the_photo(
    pipeline: c2l.Pipeline, weight: float
) -> None:
    blend = pipeline.like(photo(pipeline), "shape1", weight=weight, seed=2).draw()
    end = (
        pipeline("shape1", seed=2) if weight == 0 else pipeline.like(photo(pipeline), seed=2).draw()
    )
    torch.testing.assert_close(blend.latents, end.latents.expand(-1, 5, -1), atol=1e-5, rtol=1e-5)


def test_every_edit_takes_it(pipeline: c2l.Pipeline) -> None:
    (varied,) = pipeline.like(photo(pipeline)).vary(0.3).draw()
    assert varied.record["latents"]["base"]["op"] == "photo"


def test_embeddings_of_another_width_are_refused(pipeline: c2l.Pipeline) -> None:
    (operation,) = pipeline.like(photo(pipeline)).operations
    assert isinstance(operation, PhotoLatents)
    short = operation.model_copy(update={"embedding": operation.embedding[:16]})
    with pytest.raises(BadInput, match="embeddings"):
        list(pipeline.draw_operations([short]))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"weight": 1.5}, "weight"),
        ({"num_images": 0}, "num_images"),
        ({"seed": -1}, "seed"),
        ({"guidance": -2}, "guidance"),
    ],
)
def test_values_out_of_range(pipeline: c2l.Pipeline, how: dict[str, float], message: str) -> None:
    with pytest.raises(BadInput, match=message) as error:
        pipeline.like(Image.new("RGB", (9, 9)), "shape1", **how)  # type: ignore[arg-type]
    assert error.value.field == message


def test_what_is_no_picture(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match="there is no file"):
        pipeline.like(tmp_path / "none.jpg")


def test_an_edited_embedding_is_refused(pipeline: c2l.Pipeline) -> None:
    (operation,) = pipeline.like(photo(pipeline)).operations
    for data in ("", "AAA=", "?"):
        with pytest.raises(BadInput):
            c2l.DrawRequest(latents={**operation.model_dump(), "embedding": data})


def test_a_call_takes_an_image(pipeline: c2l.Pipeline) -> None:
    image = photo(pipeline)
    called = pipeline("shape1", image=image, weight=0.3, seeds=[2, 5])
    asked = pipeline.like(image, "shape1", weight=0.3, seeds="2,5").draw()
    assert called.seeds == (2, 5)
    assert torch.equal(called.images, asked.images)
    alone = pipeline(image=image, seed=3, num_images=2)
    assert torch.equal(alone.images, pipeline.like(image, seed=3, num_images=2).draw().images)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"prompts": ["shape1", "shape2"]}, "one prompt, not 2"),
        ({"best_of": 4}, "takes no `best_of`"),
        ({"seeds": [1], "num_images": 2}, "already say how many"),
    ],
)
def test_calls_that_no_image_prompt_can_answer(
    pipeline: c2l.Pipeline, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        pipeline(image=photo(pipeline), **asked)
