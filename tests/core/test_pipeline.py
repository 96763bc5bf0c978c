"""The pipeline on toy parts: seeds, ranking, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from toys import EMBEDDING_WIDTH, ToyEmbedder, ToyGenerator, latent_of

import c2l
from c2l.errors import BadInput
from c2l.pipeline import CANDIDATE_STRIDE, SamplingSettings


class SeedPrior(c2l.Prior):
    """A latent that depends on the seed alone, and remembers how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[int, float | None, int | None]] = []

    def settings(self) -> dict[str, object]:
        return {}

    def fit(self, embeddings: Tensor, latents: Tensor) -> None:
        raise NotImplementedError

    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
    ) -> Tensor:
        assert embeddings.shape == (len(seeds), EMBEDDING_WIDTH)
        self.asked += [(seed, guidance, steps) for seed in seeds]
        return torch.stack([latent_of({}, seed) for seed in seeds])


@pytest.fixture
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), SeedPrior())


def test_image_i_is_the_same_in_any_batch(pipeline: c2l.Pipeline) -> None:
    eight = pipeline("shape1", num_images=8, seed=3)
    three = pipeline("shape1", num_images=3, seed=3)
    alone = pipeline("shape1", seeds=[5])
    assert eight.images.shape == (8, 3, 8, 8)
    torch.testing.assert_close(eight.images[:3], three.images, atol=1e-5, rtol=0)
    torch.testing.assert_close(eight.images[2:3], alone.images, atol=1e-5, rtol=0)
    assert eight.seeds == tuple(range(3, 11))


def test_best_of_keeps_the_candidate_nearest_to_the_text(pipeline: c2l.Pipeline) -> None:
    prompt, best_of = "shape2 colour1", 6
    result = pipeline(prompt, seeds=[1, 2], best_of=best_of)
    text = pipeline.embedder.embed_text([prompt])
    for row, seed in enumerate([1, 2]):
        candidates = [seed + k * CANDIDATE_STRIDE for k in range(best_of)]
        images = pipeline(prompt, seeds=candidates).images
        cosines = torch.cosine_similarity(pipeline.embedder.embed_images(images), text)
        assert result.seeds[row] == candidates[int(cosines.argmax())]
        assert result.scores[row].item() == pytest.approx(cosines.max().item(), abs=1e-5)


def test_a_winner_is_drawn_again_from_its_own_seed(pipeline: c2l.Pipeline) -> None:
    best = pipeline("mood1", num_images=2, best_of=5)
    again = pipeline("mood1", seeds=best.seeds)
    torch.testing.assert_close(best.images, again.images, atol=1e-5, rtol=0)
    torch.testing.assert_close(best.latents, again.latents)


def test_large_pictures_are_drawn_in_parts(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline(["shape0", "shape1"], num_images=3, best_of=2)
    monkeypatch.setattr("c2l.pipeline._PIXELS_AT_ONCE", 8 * 8 * 4)
    parts = pipeline(["shape0", "shape1"], num_images=3, best_of=2)
    torch.testing.assert_close(whole.images, parts.images)
    assert whole.seeds == parts.seeds


def test_prompts_come_one_after_the_other(pipeline: c2l.Pipeline) -> None:
    result = pipeline(["shape0", "shape1"], num_images=2, seed=9)
    assert result.prompts == ("shape0", "shape0", "shape1", "shape1")
    assert result.seeds == (9, 10, 9, 10)
    assert set(result.milliseconds) == {"text", "prior", "synthesis", "ranking"}


def test_settings_of_the_recipe_hold_unless_given() -> None:
    prior = SeedPrior()
    pipeline = c2l.Pipeline(
        ToyGenerator(), ToyEmbedder(), prior, settings=SamplingSettings(guidance=3.0, steps=4)
    )
    pipeline("shape1")
    pipeline("shape1", guidance=0.0)
    assert prior.asked == [(0, 3.0, 4), (0, 0.0, 4)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"prompts": ""}, "prompt is empty"),
        ({"prompts": "  \n"}, "prompt is empty"),
        ({"prompts": []}, "prompt is empty"),
        ({"prompts": "shape1", "num_images": 0}, "no picture"),
        ({"prompts": "shape1", "seeds": [-1]}, "negative"),
        ({"prompts": "shape1", "best_of": 0}, "best-of 0"),
        ({"prompts": "shape1", "steps": 0}, "0 steps"),
    ],
)
def test_bad_input_is_one_line_with_a_next_step(
    pipeline: c2l.Pipeline, call: dict[str, object], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        pipeline(**call)  # type: ignore[arg-type]
    assert caught.value.hint


def test_truncation_reaches_the_generator(pipeline: c2l.Pipeline) -> None:
    mean = pipeline("shape1", num_images=2, truncation=0.0).images
    torch.testing.assert_close(mean[0], mean[1])
    assert not torch.equal(*pipeline("shape1", num_images=2, truncation=0.0).latents)
