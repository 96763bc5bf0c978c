"""Evaluating the toy world: what is drawn, scored, kept, and refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.evaluation import Cost, Evaluation, EvaluationInterrupted
from c2l.evaluation.plan import REFERENCE_SEED
from c2l.sampling.request import DrawSettings
from c2l.student import Student
from c2l.testing import ToyEmbedder, ToyGenerator, ToyJudge, ToyPrior, some_prompts, toy_pipeline
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH

PROMPTS = list(dict.fromkeys(some_prompts(12)))[:8]
SMALL: dict[str, Any] = {"num_images": 3, "num_reference": 24}


class CountingPrior(ToyPrior):
    """Counts how often it is asked, and raises Ctrl-C the ``stop_at``-th time."""

    calls = 0
    stop_at = 0

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return super()._sample(embeddings, options)


def cost_of(evaluation: Evaluation, variant: int = 0) -> Cost:
    cost = evaluation.variants[variant].cost
    assert cost is not None
    return cost


@pytest.fixture(scope="module")
def plain() -> Evaluation:
    return c2l.evaluate(toy_pipeline(), PROMPTS, independent=ToyEmbedder(gap=0.3), **SMALL)


def test_scores_are_those_of_the_pictures(plain: Evaluation) -> None:
    pipeline, other = toy_pipeline(), ToyEmbedder(gap=0.3)
    own, independent = [], []
    for i, prompt in enumerate(PROMPTS):
        seeds = [1000 * i + j for j in range(3)]
        images = pipeline(prompt, seeds=seeds).images
        for embedder, rows in ((pipeline.embedder, own), (other, independent)):
            text = embedder.embed_text([prompt])
            rows.append(cosine_similarity(embedder.embed_images(images), text))
    cosines, others = torch.stack(own), torch.stack(independent)
    scores = plain.scores
    assert scores["alignment/own"].value == pytest.approx(float(cosines.mean()), abs=1e-5)
    assert scores["alignment/own/best"].value == pytest.approx(
        float(cosines.amax(1).mean()), abs=1e-5
    )
    # The own embedder chooses, the other one scores what was chosen.
    chosen = others.gather(1, cosines.argmax(1, keepdim=True))
    best = scores["alignment/independent/best"].value
    assert best == pytest.approx(float(chosen.mean()), abs=1e-5)
    assert best < float(others.amax(1).mean())
    error = float(cosines.mean(1).std()) / len(PROMPTS) ** 0.5
    assert scores["alignment/own"].error == pytest.approx(error, rel=1e-3)


def test_there_is_a_line_for_each_picture(plain: Evaluation) -> None:
    assert len(plain.rows) == 3 * len(PROMPTS)
    assert len({row["seed"] for row in plain.rows}) == len(plain.rows)
    assert all(row["seed"] < REFERENCE_SEED for row in plain.rows)
    assert sum(row["best"] for row in plain.rows) == len(PROMPTS)


def test_random_latents_are_the_floor(plain: Evaluation) -> None:
    random = plain.baselines[0]
    assert random.label == "random latents"
    assert random.scores["alignment/own"].value < plain.scores["alignment/own"].value
    assert random.scores["diversity/own"].value > plain.scores["diversity/own"].value
    cmmd = random.scores["cmmd/own"]
    assert cmmd.error is not None and abs(cmmd.value) < 4 * cmmd.error


def test_cost_counts_calls_and_numbers(plain: Evaluation) -> None:
    cost = cost_of(plain)
    assert cost.evaluations == cost.passes == 2
    assert cost.parameters["prior"] == 49
    assert set(cost.alone) == {"text", "prior", "synthesis", "ranking"}


def test_cost_counts_every_candidate() -> None:
    pipeline = toy_pipeline()
    pipeline.settings = DrawSettings(best_of=3, negative="mood1")
    cost = cost_of(c2l.evaluate(pipeline, PROMPTS[:2], **SMALL))
    rows: list[int] = []
    watch = pipeline.prior.network.register_forward_hook(lambda m, x, y: rows.append(len(x[0])))
    pipeline(PROMPTS[0])
    watch.remove()
    assert cost.evaluations == cost.passes == sum(rows) == 6


def test_variants_take_turns_when_they_are_timed() -> None:
    class Warming(c2l.Pipeline):
        """Slow in its first four calls."""

        calls = 0

        def __call__(self, *arguments: Any, **options: Any) -> c2l.Result:
            Warming.calls += 1
            milliseconds = {"prior": 33.0 if Warming.calls <= 4 else 20.0}
            result = super().__call__(*arguments, **options)
            return dataclasses.replace(result, milliseconds=milliseconds)

    pipeline = Warming(ToyGenerator(), ToyEmbedder(), ToyPrior())
    swept = c2l.evaluate(pipeline, PROMPTS[:2], steps=[1, 2], **SMALL)
    assert [cost_of(swept, i).alone for i in range(2)] == [{"prior": 20.0}] * 2


def test_a_sweep_of_what_the_prior_has_no_use_for() -> None:
    class Deaf(ToyPrior):
        reference = "toy:deaf"
        supported_options = frozenset({"steps"})

    pipeline = toy_pipeline(Deaf())
    pipeline.settings = DrawSettings(adherence=0.5, truncation=0.9)
    with pytest.raises(BadInput, match=r"deaf does not support guidance, .* Leave out `guidance`"):
        c2l.evaluate(pipeline, PROMPTS[:2], guidance=[1, 2], steps=[1, 2], **SMALL)
    once = c2l.evaluate(pipeline, PROMPTS[:2], guidance=[2], steps=[1, 3], **SMALL)
    ways = [(v["guidance"], v["steps"]) for v in once.settings["variants"]]
    assert ways == [(None, 1), (None, 3)]
    assert once.settings["sampling"]["adherence"] is None
    assert once.settings["sampling"]["truncation"] == 0.9
    assert pipeline.settings.adherence == 0.5


def test_what_is_refused_before_anything_is_drawn_leaves_nothing(tmp_path: Path) -> None:
    pipeline = toy_pipeline()
    pipeline.settings = DrawSettings(best_of=8, rank_by="student")
    with pytest.raises(BadInput, match="no student"):
        c2l.evaluate(pipeline, PROMPTS, out=tmp_path / "out", **SMALL)
    assert not list(tmp_path.iterdir())


def test_pictures_of_prompts_are_embedded_once() -> None:
    class Counting(ToyEmbedder):
        rows = 0

        def embed_images(self, images: Tensor) -> Tensor:
            Counting.rows += len(images)
            return super().embed_images(images)

        def embed_text(self, texts: Sequence[str]) -> Tensor:
            return ToyEmbedder().embed_text(texts)  # which embeds pictures too

    c2l.evaluate(c2l.Pipeline(ToyGenerator(), Counting(), ToyPrior()), PROMPTS[:2], **SMALL)
    # Of each prompt, of the generator's own twice, and to measure the cost.
    assert Counting.rows == 2 * 3 + 2 * 24 + 8


def test_every_variant_is_checked_before_the_first_is_drawn() -> None:
    pipeline = toy_pipeline(prior := CountingPrior())
    with pytest.raises(BadInput, match="`guidance=300` is above 100"):
        c2l.evaluate(pipeline, PROMPTS[:2], guidance=[2, 300], **SMALL)
    assert prior.calls == 0


def test_a_student_is_not_what_draws() -> None:
    pipeline = toy_pipeline()
    pipeline.prior.student = Student(
        num_codes=1, latent_width=WIDTH, embedding_width=EMBEDDING_WIDTH
    )
    assert cost_of(c2l.evaluate(pipeline, PROMPTS[:2], **SMALL)).evaluations == 2


def test_a_sweep_draws_every_value_with_every_other() -> None:
    swept = c2l.evaluate(toy_pipeline(), PROMPTS, guidance=[1, 16], steps=[1, 3], **SMALL)
    ways = [(v.guidance, v.steps, cost_of(swept, i).evaluations)
            for i, v in enumerate(swept.variants)]  # fmt: skip
    assert ways == [(1, 1, 1), (16, 1, 1), (1, 3, 3), (16, 3, 3)]
    few, many = swept.variants[:2]
    assert few.scores["alignment/own"].value < many.scores["alignment/own"].value
    defaults = c2l.evaluate(toy_pipeline(), PROMPTS[:2], **SMALL).variants[0]
    assert (defaults.guidance, defaults.steps) == (8.0, 2)


def test_accuracy_is_what_the_judge_sees() -> None:
    judge = ToyJudge()
    scored = c2l.evaluate(toy_pipeline(), judge.questions(6, 0), judge=judge, **SMALL)
    shares = [
        sum(row["sees"][name] == value for name, value in row["named"].items()) / 2
        for row in scored.rows
    ]
    best = [share for share, row in zip(shares, scored.rows, strict=True) if row["best"]]
    whole = [share == 1 for share in shares]
    assert scored.scores["accuracy"].value == pytest.approx(sum(shares) / 18)
    assert scored.scores["accuracy/best"].value == pytest.approx(sum(best) / 6)
    assert scored.scores["all"].value == pytest.approx(sum(whole) / 18)
    bright = [row["sees"]["bright"] == row["named"]["bright"] for row in scored.rows]
    assert scored.variants[0].by_attribute["bright"].value == pytest.approx(sum(bright) / 18)
    drawings = scored.baselines[1]
    assert drawings.label == "true drawings"
    assert drawings.scores["accuracy"].value == 1


def test_an_interrupted_evaluation_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    judge = ToyJudge()
    questions = judge.questions(8, 3)

    def run(prior: ToyPrior, out: Path) -> Evaluation:
        return c2l.evaluate(
            toy_pipeline(prior), questions, judge=judge, guidance=[1, 4], out=out, **SMALL
        )

    stopping = CountingPrior()
    stopping.stop_at = 2
    with pytest.raises(EvaluationInterrupted, match="24 of 104"):
        run(stopping, tmp_path / "a")
    resumed, whole = CountingPrior(), CountingPrior()
    again, once = run(resumed, tmp_path / "a"), run(whole, tmp_path / "b")
    assert resumed.calls < whole.calls  # the first variant was not drawn again
    assert again.rows == once.rows
    assert [v.scores for v in again.variants] == [v.scores for v in once.variants]
    assert not (tmp_path / "a" / "parts").exists()

    finished = CountingPrior()
    assert run(finished, tmp_path / "a").rows == once.rows
    assert finished.calls == 0


@pytest.mark.parametrize("stage", ["begun", "finished"])
def test_a_folder_of_another_evaluation_is_refused(tmp_path: Path, stage: str) -> None:
    prior, ways = CountingPrior(), [1.0, 4.0]
    prior.stop_at = 2 if stage == "begun" else 0
    try:
        c2l.evaluate(toy_pipeline(prior), PROMPTS, guidance=ways, out=tmp_path, **SMALL)
    except EvaluationInterrupted:
        assert stage == "begun"
    prior.stop_at = 0
    with pytest.raises(BadInput, match="with different settings: num_images, seed"):
        c2l.evaluate(toy_pipeline(prior), PROMPTS, guidance=ways, num_images=2, seed=5,
                     num_reference=24, out=tmp_path)  # fmt: skip


def interrupted(out: Path) -> Path:
    """The parts of an evaluation of two variants, stopped within the second."""
    prior = CountingPrior()
    prior.stop_at = 2
    with pytest.raises(EvaluationInterrupted):
        c2l.evaluate(toy_pipeline(prior), PROMPTS, guidance=[1.0, 4.0], out=out, **SMALL)
    return out / "parts"


@pytest.mark.parametrize("written", ["another version", "cut off"])
def test_a_batch_that_cannot_be_used_is_drawn_again(tmp_path: Path, written: str) -> None:
    prior = CountingPrior()
    whole = c2l.evaluate(toy_pipeline(prior), PROMPTS, guidance=[1.0, 4.0], **SMALL)
    (part,) = interrupted(tmp_path).glob("variant-*")
    if written == "cut off":
        part.write_bytes(part.read_bytes()[:-7])
    else:
        safetensors.torch.save_file({"own": torch.zeros(24, 48), "ms text": torch.ones(())}, part)
    again = c2l.evaluate(toy_pipeline(prior), PROMPTS, guidance=[1.0, 4.0], out=tmp_path, **SMALL)
    assert again.rows == whole.rows


@pytest.mark.parametrize("settings", ["", "{", "[]"])
def test_batches_of_unknown_settings_are_refused(tmp_path: Path, settings: str) -> None:
    path = interrupted(tmp_path) / "settings.json"
    path.unlink()
    if settings:
        path.write_text(settings)
    with pytest.raises(BadInput, match=f"{tmp_path.name} cannot be resumed") as caught:
        c2l.evaluate(toy_pipeline(), PROMPTS, guidance=[1.0, 4.0], out=tmp_path, **SMALL)
    assert caught.value.field == "out"


def test_a_folder_in_which_nothing_was_drawn_is_free(tmp_path: Path) -> None:
    prior = CountingPrior()
    prior.stop_at = 1
    with pytest.raises(EvaluationInterrupted):
        c2l.evaluate(toy_pipeline(prior), PROMPTS, out=tmp_path, **SMALL)
    assert c2l.evaluate(toy_pipeline(prior), PROMPTS, seed=5, out=tmp_path, **SMALL).rows


def test_files_hold_what_the_call_returns(tmp_path: Path) -> None:
    made = c2l.evaluate(toy_pipeline(), PROMPTS, out=tmp_path, **SMALL)
    lines = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(made.rows)
    read = Evaluation.load(tmp_path)
    assert read.settings == json.loads(json.dumps(made.settings))
    assert read.pictures == made.pictures
    for name, score in made.scores.items():
        assert read.scores[name].value == pytest.approx(score.value, rel=1e-5)
    (tmp_path / "results.jsonl").unlink()
    with pytest.raises(BadInput, match="damaged"):
        Evaluation.load(tmp_path)


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        c2l.evaluate(toy_pipeline(), ["one", " ", "one"], num_images=0, seed=-1, steps=[0],
                     guidance=[2, 2, -1], num_reference=3)  # fmt: skip
    for part in ("prompt 2 is empty", "'one' is given twice", "`num_images=0`", "`seed=-1`",
                 "`steps=0` is below 1", "`guidance` has a value twice", "`guidance=-1` is below 0",
                 "`num_reference=3` is too few"):  # fmt: skip
        assert part in caught.value.message
    assert caught.value.field == "prompts"
    assert "Use `num_reference=6` or more" in caught.value.hint


def test_the_own_embedder_is_not_independent() -> None:
    with pytest.raises(BadInput, match="not independent"):
        c2l.evaluate(toy_pipeline(), PROMPTS, independent=ToyEmbedder(), **SMALL)


def test_questions_need_a_judge() -> None:
    with pytest.raises(BadInput, match="no recipe has a judge for toy:generator"):
        c2l.evaluate(toy_pipeline(), ToyJudge().questions(3, 0), **SMALL)


def test_nan_is_found_before_anything_is_drawn() -> None:
    pipeline = toy_pipeline(prior := CountingPrior())
    pipeline.embedder.gap.fill_(float("nan"))
    with pytest.raises(BadInput, match="toy:embedder embeds prompt 1 as NaN"):
        c2l.evaluate(pipeline, PROMPTS, **SMALL)
    assert prior.calls == 0


def test_pictures_are_drawn_with_the_truncation_of_the_recipe() -> None:
    pipeline = toy_pipeline()
    pipeline.settings = DrawSettings(truncation=0.0)
    mean = c2l.evaluate(pipeline, PROMPTS[:3], **SMALL)
    assert mean.scores["diversity/own"].value == pytest.approx(0, abs=1e-6)
    assert mean.baselines[0].scores["diversity/own"].value > 0.1  # the generator's own is not


def test_a_recipe_that_chooses_among_candidates_is_scored_as_it_draws() -> None:
    pipeline = toy_pipeline()
    pipeline.settings = DrawSettings(guidance=2.0, best_of=6)
    chosen = c2l.evaluate(pipeline, PROMPTS[:3], **SMALL)
    assert "each the best of 6" in chosen.variants[0].label
    for i, prompt in enumerate(PROMPTS[:3]):
        wanted = pipeline(prompt, seeds=[1000 * i, 1000 * i + 1, 1000 * i + 2]).scores
        rows = [row["own"] for row in chosen.rows if row["prompt"] == prompt]
        assert rows == pytest.approx(wanted.tolist(), abs=1e-4)
    pipeline.settings = DrawSettings(guidance=2.0)
    plain = c2l.evaluate(pipeline, PROMPTS[:3], **SMALL)
    assert plain.scores["alignment/own"].value < chosen.scores["alignment/own"].value


def test_nan_pictures_are_no_scores() -> None:
    pipeline = toy_pipeline()
    pipeline.generator.second.fill_(float("nan"))
    with pytest.raises(BadWeights, match="the generator toy:generator gives NaN or infinity"):
        c2l.evaluate(pipeline, PROMPTS[:3], **SMALL)


def test_one_picture_of_one_prompt_is_enough() -> None:
    least = c2l.evaluate(toy_pipeline(), PROMPTS[:1], num_images=1, num_reference=8)
    assert least.scores["alignment/own"].error is None
    assert "alignment/own/best" not in least.scores and "diversity/own" not in least.scores
