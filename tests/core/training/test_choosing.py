"""Settings of sampling that are chosen by what a trained prior draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l.prior_file import read_prior_card
from c2l.prompts.domains import find_domain
from c2l.testing import ToyEmbedder, ToyGenerator, share_shown, some_prompts
from c2l.training import TrainingReport, TrainingRun, choosing, train_prior
from c2l.training.choosing import (
    GIVEN_AWAY,
    Choice,
    Scale,
    Trial,
    best_trial,
    choose_again,
    choose_settings,
    doubted,
)
from c2l.training.validation import Validator
from c2l_priors.flow import FlowPrior

torch.set_num_threads(1)
NOWHERE = torch.zeros(16)


def some(num: int, seed: int, width: int = 16) -> Tensor:
    return torch.randn(num, width, generator=torch.Generator().manual_seed(seed))


def test_random_pictures_do_not_fit_and_true_ones_do() -> None:
    texts, random = some(200, 0), some(1000, 1)
    scale = Scale.of(texts, NOWHERE, random)
    assert scale.unfit(some(400, 2).unflatten(0, (200, 2))) > 0.9
    assert scale.unfit(texts[:, None] + 0.1 * some(400, 3).unflatten(0, (200, 2))) < 0.05


@given(share=st.floats(0, 1), times=st.floats(1, 2))
def test_a_doubt_matters_where_most_pictures_fit(share: float, times: float) -> None:
    """Where hardly any does, there is little left to doubt."""
    assert share - 1e-9 <= doubted(share, times) <= min(1.0, times * share) + 1e-9
    assert doubted(share, 1.0) == pytest.approx(share)


def test_how_much_a_doubt_matters() -> None:
    assert doubted(0.1, 1.3) == pytest.approx(0.126, abs=1e-3)
    assert doubted(0.6, 1.3) == pytest.approx(0.661, abs=1e-3)


def test_the_place_and_the_length_of_embeddings_do_not_matter() -> None:
    """Pictures in a narrow cone: what counts is how they differ from each other."""
    texts, random, drawn = some(50, 0), some(500, 1), some(100, 2).unflatten(0, (50, 2))
    wide = Scale.of(texts, NOWHERE, random).unfit(drawn)
    longer = Scale.of(3 * texts, NOWHERE, 5 * random).unfit(7 * drawn)
    assert longer == pytest.approx(wide, abs=1e-4)
    cone = torch.zeros(17)
    cone[16] = 3.0

    def narrow(rows: Tensor) -> Tensor:
        return torch.nn.functional.pad(normalize(rows, dim=-1), (0, 1)) + cone

    text = torch.nn.functional.pad(texts, (0, 1))
    found = Scale.of(text, torch.zeros(17), narrow(random)).unfit(narrow(drawn))
    assert found == pytest.approx(wide, abs=1e-3)


def test_one_picture_that_does_not_fit_outweighs_many_that_fit_well() -> None:
    texts, random = some(20, 0), some(1000, 1)
    scale = Scale.of(texts, NOWHERE, random)
    well = texts[:, None] + 0.6 * some(20, 3)[:, None]
    exactly_but = texts[:, None].clone()
    exactly_but[:4] *= -1
    assert scale.unfit(exactly_but) > scale.unfit(well) > scale.unfit(texts[:, None])


def test_what_only_few_pictures_reach_is_asked_of_each_prompt() -> None:
    """A prompt that no picture comes near is met by those that are nearest of all."""
    random = some(5000, 1)
    random[:, 0] = 0.01 * random[:, 0]  # hardly any picture shows the first thing
    texts = torch.eye(16)[:2]
    scale = Scale.of(texts, NOWHERE, random)
    nearest = torch.stack([random[(normalize(random, dim=1) @ t).topk(4).indices] for t in texts])
    assert scale.unfit(nearest) < 0.15
    assert scale.unfit(nearest.flip(0)) > 0.8


trials = st.lists(
    st.builds(Trial, st.just({}), st.floats(0, 1), st.floats(0, 2), st.floats(1, 2)),
    min_size=1,
    max_size=9,
)


@given(trials)
def test_the_choice_fits_nearly_best_and_no_other_such_is_more_varied(found: list[Trial]) -> None:
    chosen, best = best_trial(found), min(found, key=lambda trial: trial.doubted)
    assert (chosen.unfit - best.unfit if chosen.doubt == best.doubt else 0) <= GIVEN_AWAY
    alike = [trial for trial in found if trial.doubt == chosen.doubt]
    assert not any(t.unfit <= chosen.unfit and t.diversity > chosen.diversity for t in alike)


def test_a_doubt_that_all_share_changes_nothing() -> None:
    bold = [Trial({}, 0.10, 0.5, doubt) for doubt in (1.0, 2.0)]
    varied = [Trial({}, 0.125, 0.9, doubt) for doubt in (1.0, 2.0)]
    assert [best_trial(pair) for pair in zip(bold, varied, strict=True)] == varied


def test_a_doubt_is_no_excuse_for_what_is_not_in_doubt() -> None:
    stored, network = Trial({}, 0.03, 0.5, 2.0), Trial({}, 0.10, 0.9)
    assert best_trial([stored, network]) == stored
    assert best_trial([stored, dataclasses.replace(network, unfit=0.08)]).unfit == 0.08


def test_what_is_chosen_again_fits_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {1: (0.3, 0.5), 2: (0.05, 0.3), 3: (0.02, 0.9)}

    class Refined:
        adopted: Mapping[str, Any]

        def adopt(self, settings: Mapping[str, Any]) -> None:
            self.adopted = settings

    def test_of(*_: object) -> Callable[[Mapping[str, Any]], Trial]:
        return lambda settings: Trial(settings, *now[settings["a"]])

    monkeypatch.setattr(choosing._Test, "of", test_of)
    monkeypatch.setattr(choosing, "_first_prompts", lambda *_: ["a prompt"])
    unfit = {1: 0.05, 2: 0.04, 3: 0.2}
    tried = tuple(Trial({"a": a}, share, 0.5) for a, share in unfit.items())
    prior: Any = Refined()
    validator: Any = None
    choice = choose_again(Choice({"a": 1}, tried, 0.1, 1), prior, validator, some(9, 0), some(9, 1))
    assert choice.settings == prior.adopted == {"a": 2}
    assert [trial.unfit for trial in choice.trials] == [0.3, 0.05, 0.2]
    untried = Choice({"a": 1})
    assert choose_again(untried, prior, validator, some(9, 0), some(9, 1)) is untried


def test_without_pictures_it_is_the_first() -> None:
    prior = FlowPrior(embedding_width=16, num_codes=1, latent_width=2, hidden=8)
    prior.fit(some(80, 0), some(80, 1, 2)[:, None], 3 + some(80, 0)[:30])
    assert prior.sampling_evidence()["separable"] == 1
    first = prior.sampling_candidates()[0]
    choice = choose_settings(prior, None, some(80, 0), None)
    assert choice is not None and choice.settings == first and not choice.trials
    assert str(choice).startswith("chosen by the embeddings alone: gap blur")
    assert str(choice).endswith("others were not tried, for lack of a generator and an embedder")


class OneWord(ToyEmbedder):
    """Reads nothing."""

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(["shape1"]).expand(len(prompts), -1)


class OtherWords(ToyEmbedder):
    """Tells prompts apart, by nothing that there is in pictures."""

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        own = [some(1, 1000 + len(prompt) + ord(prompt[-1]), self.width) for prompt in prompts]
        return normalize(torch.cat(own), dim=1)


class Foreign(ToyEmbedder):
    """Has never seen a word of the prompts, and reads them all the same."""

    def read_text(self, prompt: str) -> c2l.TextReading:
        return c2l.TextReading(unknown=tuple(prompt.split()))


class TenPictures(ToyGenerator):
    """Draws ten pictures."""

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents([seed % 10 for seed in seeds])


@pytest.mark.parametrize(
    ("generator", "embedder", "num", "said", "advice"),
    [
        (ToyGenerator(), ToyEmbedder(), 200, "pairs are too few to try others", "more pairs help"),
        (ToyGenerator(), OneWord(), 3000, "the embedder reads all prompts alike", "no prior can"),
        (
            ToyGenerator(),
            OtherWords(),
            3000,
            "none of these prompts is near anything the generator draws",
            "give a `domain` of prompts that suit it",
        ),
        (
            ToyGenerator(),
            Foreign(),
            3000,
            "prompts hold words that the embedder has never seen, such as",
            "give a `domain` in words it knows",
        ),
        (
            TenPictures(),
            ToyEmbedder(),
            3000,
            "the pairs hold only 10 different pictures",
            "a prior can draw no others",
        ),
    ],
)
def test_odd_parts_get_something_safe_and_are_named(
    generator: c2l.Generator,
    embedder: c2l.Embedder,
    num: int,
    said: str,
    advice: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("c2l.training.choosing.FREE_PIXELS", 0)  # as of large pictures
    report = trained_a_little(generator, embedder, num, tmp_path)
    assert said in report.choice
    assert advice in report.verdict and not report.verdict.endswith("normal")
    chosen = report.training["choice"]
    assert bool(chosen["trials"]) == isinstance(generator, TenPictures)
    if isinstance(embedder, Foreign):
        assert report.choice.endswith("not tried, since their pictures could not be judged")
    drawn = c2l.load_prior(str(report.path)).sample(embedder.embed_text(["shape1"]), seeds=[0])
    assert torch.isfinite(drawn).all()


def test_few_pairs_are_no_hindrance_where_pictures_are_small(tmp_path: Path) -> None:
    report = trained_a_little(ToyGenerator(), ToyEmbedder(), 200, tmp_path)
    assert report.training["choice"]["trials"]


def trained_a_little(
    generator: c2l.Generator, embedder: c2l.Embedder, num: int, folder: Path
) -> TrainingReport:
    return train_prior(
        "flow",
        c2l.build_pairs(generator, embedder, num, folder / "pairs"),
        folder / "x.safetensors",
        generator=generator,
        embedder=embedder,
        domain=toy_domain(folder),
        settings={"hidden": 16, "num_blocks": 1},
        steps=40,
        student=False,
    )


def toy_domain(folder: Path) -> str:
    path = folder / "toys.txt"
    path.write_text("\n".join(dict.fromkeys(some_prompts(60))), encoding="utf-8")
    return str(path)


class TurnedText(ToyEmbedder):
    """Its texts lie far from all pictures, in a narrow cone."""

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        read = normalize(super().embed_text(prompts), dim=1)
        return read + 3 * normalize(some(1, 5, self.width), dim=1)


def test_training_chooses_a_bridge_that_works(tmp_path: Path) -> None:
    generator, embedder = ToyGenerator(), TurnedText()
    pairs = c2l.build_pairs(generator, embedder, 3000, tmp_path / "pairs")
    prompts = list(dict.fromkeys(some_prompts(80, seed=5)))
    asked = embedder.embed_text(prompts)
    shown = {}
    for gap in ("auto", "noise"):
        report = train_prior(
            "flow",
            pairs,
            tmp_path / f"{gap}.safetensors",
            generator=generator,
            embedder=embedder,
            domain=toy_domain(tmp_path),
            settings={"gap": gap, "hidden": 96, "num_blocks": 2},
            steps=400,
            student=False,
        )
        drawn = c2l.load_prior(str(report.path)).sample(asked, seeds=range(len(asked)))
        shown[gap] = share_shown(prompts, drawn)
        assert bool(report.choice) == (gap == "auto")
    assert shown["auto"] > max(0.8, shown["noise"] + 0.1)

    card = read_prior_card(tmp_path / "auto.safetensors")
    chosen = card.training["choice"]
    assert card.chosen.items() == chosen["settings"].items()
    assert {"slack": 0.0, "retrieval": False, **card.settings}.items() >= card.chosen.items()
    assert chosen["evidence"]["apart"] > 0.5
    assert "centring" in card.settings["gap"]
    assert len(chosen["trials"]) > 6 and chosen["num_prompts"] >= 8
    assert "gap" not in TrainingRun.of(card).settings
    assert TrainingRun.of(card).settings["hidden"] == 96
    assert (
        TrainingRun.of(read_prior_card(tmp_path / "noise.safetensors")).settings["gap"] == "noise"
    )


def test_twins_are_compared_in_pixels(tmp_path: Path) -> None:
    generator, embedder = ToyGenerator(), ToyEmbedder()
    validator = Validator(generator, embedder, find_domain(toy_domain(tmp_path), ""), (5,))
    latents = generator.sample_latents(range(6))
    latents[1] = latents[0]
    seen, apart = validator.look_at_twins(latents)
    assert torch.equal(seen, validator.look(latents))
    assert apart.shape == (3,) and apart[0] == 0
    images = generator.synthesize(latents)
    expected = (images[2] - images[3]).square().mean().sqrt()
    assert float(apart[1]) == pytest.approx(float(expected), rel=1e-4)
