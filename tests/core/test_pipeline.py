"""The pipeline on toy parts: seeds, ranking, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import c2l
from c2l.budgets import Budget
from c2l.errors import BadInput
from c2l.sample_options import SampleOptions
from c2l.sampling.ranking import CANDIDATE_STRIDE, FINALISTS
from c2l.sampling.request import DrawRequest, DrawSettings
from c2l.student import Student
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.testing.toy_world import WIDTH, latent_of
from c2l.testing.toys import EMBEDDING_WIDTH


class SeedPrior(c2l.Prior):
    """A latent that depends on the seed alone, and remembers how it was asked."""

    def __init__(self) -> None:
        super().__init__(embedding_width=EMBEDDING_WIDTH, num_codes=1, latent_width=WIDTH)
        self.embeddings: list[Tensor] = []
        self.asked: list[SampleOptions] = []

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        raise NotImplementedError

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        self.embeddings += list(embeddings)
        self.asked.append(options)
        return torch.stack([latent_of({}, seed) for seed in options.seeds])


@pytest.fixture
def pipeline() -> c2l.Pipeline:
    return c2l.Pipeline(ToyGenerator(), ToyEmbedder(), SeedPrior())


def counted(pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each call of the pipeline's generator renders, from now on."""
    rendered: list[int] = []
    synthesize = ToyGenerator.synthesize

    def watched(self: ToyGenerator, latents: Tensor, **how: Any) -> Tensor:
        if self is pipeline.generator:  # the embedder has one as well
            rendered.append(len(latents))
        return synthesize(self, latents, **how)

    monkeypatch.setattr(ToyGenerator, "synthesize", watched)
    return rendered


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
    monkeypatch.setattr("c2l.sampling.drawing.SAMPLING", Budget(gpu=8 * 8 * 4, cpu=8 * 8 * 4))
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
        ToyGenerator(), ToyEmbedder(), prior, settings=DrawSettings(guidance=3.0, steps=4)
    )
    pipeline("shape1")
    pipeline("shape1", guidance=0.0)
    assert [(o.guidance, o.steps) for o in prior.asked] == [(3.0, 4), (0.0, 4)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"prompts": ""}, "prompt is empty"),
        ({"prompts": "  \n"}, "prompt is empty"),
        ({"prompts": []}, "nothing to draw"),
        ({"prompts": "shape1", "num_images": 0}, "`num_images=0` is below 1"),
        ({"prompts": "shape1", "seeds": []}, "no picture"),
        ({"prompts": "shape1", "seeds": [-1]}, "seed -1 is not between 0 and 18446744073709551615"),
        ({"prompts": "shape1", "seeds": [2**64]}, "seed 18446744073709551616 is not between"),
        ({"prompts": "shape1", "seed": 2**64 - 1, "num_images": 2}, "the last seed is above"),
        ({"prompts": "shape1", "seeds": "0-4294967295"}, "more than 1,000,000 seeds"),
        ({"prompts": ["shape1", "mood1"], "seeds": [[1]]}, "not one list for each prompt"),
        ({"prompts": "shape1", "best_of": 0}, "`best_of=0` is below 1"),
        ({"prompts": "shape1", "steps": 0}, "`steps=0` is below 1"),
        ({"prompts": {}}, "prompt is empty"),
        ({"prompts": {"shape1": 1, " ": 1}}, "prompt is empty"),
        ({"prompts": {"shape1": 1, "mood1": -1}}, "'mood1' has weight -1"),
        ({"prompts": [["shape1", ["shape1", 0.5]]]}, "'shape1' is given twice"),
        ({"prompts": "caf\udce9"}, "not UTF-8"),
        ({"prompts": "shape1", "adherence": 1.1}, "`adherence=1.1` is above 1"),
        ({"prompts": "shape1", "guidance": float("nan")}, "`guidance=nan` is not a finite"),
        ({"prompts": "shape1", "guidance": -1.0}, "`guidance=-1.0` is below 0"),
        ({"prompts": "shape1", "guidance": 1e9, "steps": 0}, "`guidance=.*; `steps=0`"),
        ({"prompts": "shape1", "negative": "x", "negative_by": "luck"}, "`negative_by='luck'`"),
        ({"prompts": "shape1", "truncation": float("-inf")}, "`truncation=-inf` is not a finite"),
        ({"prompts": "shape1", "rank_by": "luck"}, "`rank_by='luck'` is not 'pictures' or"),
        ({"prompts": "shape1", "best_of": 8, "rank_by": "student"}, "no student"),
        ({"prompts": "shape1", "optimise": -1}, "`optimise=-1` is below 0"),
    ],
)
def test_bad_input_is_one_line_with_a_next_step(
    pipeline: c2l.Pipeline, call: dict[str, object], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        pipeline(**call)  # type: ignore[arg-type]
    assert caught.value.hint and caught.value.field


def test_truncation_reaches_the_generator(pipeline: c2l.Pipeline) -> None:
    mean = pipeline("shape1", num_images=2, truncation=0.0).images
    torch.testing.assert_close(mean[0], mean[1])
    assert not torch.equal(*pipeline("shape1", num_images=2, truncation=0.0).latents)


def test_prompts_are_blended_by_weight(pipeline: c2l.Pipeline) -> None:
    first, second = pipeline.embedder.embed_text(["shape0", "colour1"])
    result = pipeline([{"shape0": 2, "colour1": 1}, {"shape0": 1, "colour1": 1e-9}, "shape0"])
    assert result.prompts == ("shape0:2 + colour1", "shape0 + colour1:1e-09", "shape0")
    prior = pipeline.prior
    assert isinstance(prior, SeedPrior)
    blend, nearly, plain = prior.embeddings
    unit = [F.normalize(e, dim=0) for e in (first, second)]
    torch.testing.assert_close(F.normalize(blend, dim=0), F.normalize(2 * unit[0] + unit[1], dim=0))
    assert blend.norm().item() == pytest.approx((2 * first.norm() + second.norm()).item() / 3)
    torch.testing.assert_close(nearly, first)
    assert torch.equal(plain, first)


def test_adherence_and_the_negative_prompt_reach_the_prior(pipeline: c2l.Pipeline) -> None:
    prior = pipeline.prior
    assert isinstance(prior, SeedPrior)
    pipeline("shape1", num_images=3, adherence=0.25, negative={"mood2": 1, "colour0": 0.5})
    pipeline("shape1")
    first, second = prior.asked
    assert (first.adherence, second.adherence) == (0.25, None)
    assert first.negative is not None and second.negative is None
    unwanted = pipeline.embedder.embed_text(["mood2", "colour0"])
    torch.testing.assert_close(first.negative, unwanted.expand(3, -1, -1))
    assert first.negative_weights == (1.0, 0.5) and second.negative_weights == ()


def test_what_the_prior_does_not_support_is_not_used_nor_recorded() -> None:
    class StepsOnly(SeedPrior):
        supported_options = frozenset({"steps"})

    settings = DrawSettings(guidance=3.0, truncation=0.5)
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), StepsOnly(), settings=settings)
    result = pipeline("shape1", steps=2, adherence=0.5, negative="mood2")
    used = result.settings
    assert (used.steps, used.truncation) == (2, 0.5)
    assert used.guidance is used.adherence is used.negative is None
    assert not {"guidance", "adherence", "negative"} & result.records[0].keys()
    prior = pipeline.prior
    assert isinstance(prior, StepsOnly)
    (options,) = prior.asked
    assert (options.guidance, options.steps, options.adherence) == (None, 2, None)
    assert options.negative is None


def test_many_latents_are_drawn_in_parts(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline(["shape0", "shape1"], num_images=3, best_of=2, negative="mood0")
    monkeypatch.setattr("c2l.sampling.candidates.LATENTS_AT_ONCE", 5)
    parts = pipeline(["shape0", "shape1"], num_images=3, best_of=2, negative="mood0")
    torch.testing.assert_close(whole.latents, parts.latents)
    assert whole.seeds == parts.seeds


class Seeing(Student):
    """A student that is always right, and counts."""

    def __init__(self) -> None:
        super().__init__(num_codes=1, latent_width=WIDTH, embedding_width=EMBEDDING_WIDTH)
        self.seen = 0

    def forward(self, latents: Tensor) -> Tensor:
        self.seen += len(latents)
        return F.normalize(ToyEmbedder().embed_images(ToyGenerator().synthesize(latents)), dim=1)


def test_a_student_spares_the_renderer(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_pictures = pipeline("shape2 colour1", num_images=3, best_of=40)
    rendered = counted(pipeline, monkeypatch)
    pipeline.prior.student = student = Seeing()
    by_student = pipeline("shape2 colour1", num_images=3, best_of=40, rank_by="student")
    assert by_student.seeds == by_pictures.seeds
    torch.testing.assert_close(by_student.images, by_pictures.images)
    assert student.seen == 3 * 40
    assert sum(rendered) == 3 * FINALISTS
    assert set(by_student.milliseconds) == {"text", "prior", "student", "synthesis", "ranking"}


def test_as_many_candidates_as_help(pipeline: c2l.Pipeline) -> None:
    pipeline.prior.student = Seeing()
    found = pipeline(["shape2 colour1", "mood0"], num_images=3, best_of="auto")
    drawn = [picture.record["chosen_from"] for picture in found]
    assert all(num in (8, 16, 32, 64, 128) for num in drawn)
    for picture, num in zip(found, drawn, strict=True):
        prompt, seed = picture.prompt, picture.seed % CANDIDATE_STRIDE
        known = pipeline(prompt, seeds=[seed], best_of=num, rank_by="student")
        assert known.seeds == (picture.seed,)
    alone = pipeline("mood0", seeds=[1], best_of="auto")
    assert alone.seeds[0] == found.seeds[4]
    pipeline.settings = DrawSettings(best_of="auto")
    assert pipeline("mood0", seeds=[1]).seeds == alone.seeds


def test_optimising_brings_pictures_nearer(pipeline: c2l.Pipeline) -> None:
    plain = pipeline("shape2 colour1", num_images=3)
    state = torch.get_rng_state()
    nearer = pipeline("shape2 colour1", num_images=3, optimise=20)
    assert (nearer.scores > plain.scores + 0.01).all()
    assert torch.equal(torch.get_rng_state(), state)
    alone = pipeline("shape2 colour1", seeds=[1], optimise=20)
    torch.testing.assert_close(alone.latents[0], nearer.latents[1], rtol=0, atol=1e-3)
    assert not nearer.latents.requires_grad


class NoGradient(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return super().synthesize(latents.detach(), **options)


def test_a_generator_without_gradient_says_so() -> None:
    pipeline = c2l.Pipeline(NoGradient(), ToyEmbedder(), SeedPrior())
    with pytest.raises(BadInput, match="no gradient"):
        pipeline("shape1", optimise=2)


def test_each_prompt_may_have_seeds_of_its_own(pipeline: c2l.Pipeline) -> None:
    result = pipeline(["shape0", "mood1"], seeds=[[7, 2**64 - 1], [3]])
    assert result.prompts == ("shape0", "shape0", "mood1")
    assert result.seeds == (7, 2**64 - 1, 3)


def test_a_stream_gives_the_same_pictures_one_by_one(pipeline: c2l.Pipeline) -> None:
    request = DrawRequest(prompts=["shape0", "mood1"], seeds="4-6", best_of=2)
    whole = pipeline(["shape0", "mood1"], seeds="4-6", best_of=2)
    counted: list[tuple[int, int]] = []
    pictures = list(pipeline.stream(request, on_candidates=lambda *c: counted.append(c)))
    assert [p.seed for p in pictures] == list(whole.seeds)
    torch.testing.assert_close(torch.stack([p.image for p in pictures]), whole.images)
    assert counted[-1] == (12, 12)
    some = list(pipeline.stream(request, skip={0, 3, 4}))
    assert [p.record for p in some] == [whole.records[i] for i in (1, 2, 5)]


def test_a_stream_ends_between_candidates(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("c2l.sampling.drawing.SAMPLING", Budget(gpu=64, cpu=64))
    rendered = counted(pipeline, monkeypatch)

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list(pipeline.stream(DrawRequest(prompt="shape0", best_of=50), on_candidates=stop))
    assert rendered == [1, 1, 1]


def test_candidates_are_not_held_all_at_once(
    pipeline: c2l.Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline("shape1", num_images=2, best_of=9)
    monkeypatch.setattr("c2l.sampling.drawing.SAMPLING", Budget(gpu=64 * 4, cpu=64 * 4))
    parts = pipeline("shape1", num_images=2, best_of=9)
    assert parts.seeds == whole.seeds
    torch.testing.assert_close(parts.images, whole.images)


@pytest.mark.parametrize("recipe_guidance", [None, 1.0, 3.0])
def test_guidance_of_a_recipe_does_not_keep_it_from_leading_away(
    recipe_guidance: float | None,
) -> None:
    prior, settings = SeedPrior(), DrawSettings(guidance=recipe_guidance)
    pipeline = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), prior, settings=settings)
    pipeline("shape1", negative="mood2", negative_by="guidance")
    assert prior.asked[0].guidance == (3.0 if recipe_guidance == 3.0 else None)
    pipeline("shape1", negative="mood2")
    assert prior.asked[1].guidance == recipe_guidance


def test_parts_and_pipelines_say_what_they_are(pipeline: c2l.Pipeline) -> None:
    assert repr(pipeline.generator) == "ToyGenerator(toy:generator, 8 x 8 px, 0 parameters, cpu)"
    assert "ToyEmbedder" in repr(pipeline) and "on cpu" in repr(pipeline)
    result = pipeline("shape1", num_images=2)
    assert repr(result) == "Result(2 pictures of 'shape1', 8 x 8 px)"
    assert repr(result[1]) == "Picture('shape1', seed 1, 8 x 8 px)"
