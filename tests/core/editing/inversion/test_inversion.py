"""Photos of the generator's own are found again; of others, what is nearest."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

import c2l
from c2l.editing.inversion import Distance, InversionInterrupted, invert
from c2l.errors import BadInput, BadPicture
from c2l.photos import Fitted, photo_of
from c2l.sampling.record import request_of
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior

LAYERS = 5


@pytest.fixture(scope="module")
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), ToyPrior())


def own(pipeline: c2l.Pipeline, seed: int = 77) -> Tensor:
    """A picture that the generator makes, (3, H, W)."""
    return pipeline.generator.synthesize(pipeline.generator.sample_latents([seed]))[0]


def fitted(pipeline: c2l.Pipeline, seed: int = 77) -> Fitted:
    return photo_of(own(pipeline, seed)).fitted(pipeline.generator.image_size)


def test_equal_pictures_have_no_distance_and_others_have_more() -> None:
    pixels = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    distance = Distance(Fitted(pixels, 0, 64, 0, 48), torch.device("cpu"))
    noisy = pixels + 0.1 * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))
    found = distance(torch.cat([pixels, noisy, -pixels, torch.zeros_like(pixels)]))
    assert found[0] == pytest.approx(0, abs=1e-6)
    assert 0 < found[1] < found[3] < found[2] < 2


def test_what_is_beside_a_padded_photo_does_not_count() -> None:
    photo = photo_of(Image.new("RGB", (30, 60), (90, 10, 200))).fitted((64, 64), "pad")
    distance = Distance(photo, torch.device("cpu"))
    other = photo.pixels.clone()
    other[..., : photo.left] = torch.rand(3, 64, photo.left)
    assert distance(other) == pytest.approx(0, abs=1e-4)
    other[..., 28:34, 30:34] = 0.9
    assert distance(other) > 1e-2


@pytest.mark.parametrize("space", ["w", "w+"])
def test_a_picture_of_the_generators_own_is_found(pipeline: c2l.Pipeline, space: str) -> None:
    found = invert(pipeline, fitted(pipeline), space=space, steps=150)  # type: ignore[arg-type]
    assert found.distance < 0.3 * found.first_distance
    assert found.latents.shape[0] == (1 if space == "w" else LAYERS)
    assert sum(found.repeats) == LAYERS
    image = pipeline.generator.synthesize(found.latents[None], repeats=found.repeats)
    again = Distance(fitted(pipeline), torch.device("cpu"))(image)
    assert float(again) == pytest.approx(found.distance, abs=1e-5)
    assert (found.num_steps, found.complete) == (150, True)


def test_the_way_down_is_told_and_never_leads_up(pipeline: c2l.Pipeline) -> None:
    told: list[tuple[int, int, float]] = []
    seconds: list[float] = []
    invert(
        pipeline,
        fitted(pipeline, 5),
        steps=20,
        on_step=lambda *step: told.append(step),
        on_estimate=seconds.append,
    )
    assert [done for done, _, _ in told] == list(range(1, 21))
    assert {total for _, total, _ in told} == {20}
    best = [distance for _, _, distance in told]
    assert best == sorted(best, reverse=True)
    assert len(seconds) == 1
    assert seconds[0] > 0


def test_without_steps_it_is_the_nearest_answer_of_the_prior(pipeline: c2l.Pipeline) -> None:
    found = invert(pipeline, fitted(pipeline), steps=0)
    assert found.distance == found.first_distance
    assert found.latents.shape[0] == 1


def test_the_same_again_and_the_callers_random_numbers_are_left(pipeline: c2l.Pipeline) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    once, again = (invert(pipeline, fitted(pipeline), steps=8) for _ in range(2))
    assert torch.equal(once.latents, again.latents)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.inference_mode():
        assert torch.equal(invert(pipeline, fitted(pipeline), steps=8).latents, once.latents)


def test_the_picture_draws_itself_again_and_names_the_photo(
    pipeline: c2l.Pipeline, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    photo_of(own(pipeline)).image.resize((20, 30)).save(path)
    picture = pipeline.invert(path, steps=5)
    assert picture.record["latents"]["photo"] == photo_of(path).sha256
    assert picture.record["truncation"] == 1
    request = request_of(picture.record, "it")
    (again,) = pipeline.draw_operations([request.latents], truncation=request.truncation)
    assert torch.equal(again.images[0], picture.image)
    (varied,) = picture.mix(own_latents(pipeline), layers="4").draw()
    assert varied.record["latents"]["base"]["photo"] == photo_of(path).sha256


def own_latents(pipeline: c2l.Pipeline) -> Tensor:
    return pipeline.generator.sample_latents([4])[0]


def test_ctrl_c_keeps_the_best_so_far(pipeline: c2l.Pipeline) -> None:
    def interrupt(done: int, total: int, distance: float) -> None:
        if done == 7:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(InversionInterrupted, match="the best of 7 steps") as stop:
        pipeline.invert(own(pipeline), steps=500, on_step=interrupt)
    found = stop.value.found.inversion
    assert (found.num_steps, found.complete) == (7, False)
    assert found.distance < found.first_distance
    assert stop.value.picture.image.shape == (3, 8, 8)


class Opaque(ToyGenerator):
    """Of another library: no gradient, which it says or does not say."""

    says = True

    @property
    def differentiable(self) -> bool:  # type: ignore[override]
        return not self.says

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        with torch.no_grad():
            return super().synthesize(latents, truncation=truncation, repeats=repeats)


class Silent(Opaque):
    says = False


@pytest.mark.parametrize("kind", [Opaque, Silent])
def test_a_generator_without_gradients_is_one_line(kind: type[Opaque]) -> None:
    pipeline = c2l.Pipeline(kind(), ToyEmbedder(), ToyPrior())
    with pytest.raises(BadInput, match="has no gradient to follow") as error:
        pipeline.invert(own(pipeline), steps=5)
    assert error.value.field == "steps"
    assert pipeline.invert(own(pipeline), steps=0).image.shape == (3, 8, 8)


class Blind(ToyEmbedder):
    """Without gradients, as another library's."""

    @property
    def differentiable(self) -> bool:  # type: ignore[override]
        return False

    def embed_images(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return super().embed_images(images)


def test_an_embedder_without_gradients_is_left_out() -> None:
    pipeline = c2l.Pipeline(ToyGenerator(), Blind(), ToyPrior())
    found = invert(pipeline, fitted(pipeline), steps=60)
    assert found.distance < 0.6 * found.first_distance


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"space": "z"}, "`space=z` is neither w nor w+"),
        ({"steps": -1}, "`steps=-1` is not between 0 and 100,000"),
        ({"fit": "stretch"}, "`fit=stretch` is not one of"),
    ],
)
def test_values_out_of_range(pipeline: c2l.Pipeline, how: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        pipeline.invert(own(pipeline), **how)  # type: ignore[arg-type]


def test_what_is_no_photo_is_said(pipeline: c2l.Pipeline, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"PK\x03\x04")
    with pytest.raises(BadPicture, match="is not a picture, but a zip archive"):
        pipeline.invert(tmp_path / "a.png")
