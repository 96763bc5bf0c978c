"""Looking at a prior while it trains: the best is kept, and what gains no more ends."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import c2l
from c2l.errors import MissingDependency
from c2l.plugins import registry
from c2l.prior import Prior
from c2l.prior_file import read_prior_card
from c2l.prompts.domains import Domain
from c2l.prompts.words import words_read_as_nonsense
from c2l.sample_options import SampleOptions
from c2l.student import Student
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l.training import TrainingProgress, train_prior
from c2l.training.choosing import Choice, Trial
from c2l.training.oddities import Oddity, find_unread
from c2l.training.student import student_scores, train_student
from c2l.training.validation import best_split, nearest
from c2l.training.verdict import verdict


class ClimbingPrior(Prior):
    """Its loss falls while ``level`` climbs towards 1, and rises again beyond."""

    mean: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.level = nn.Parameter(torch.zeros(()))
        self.register_buffer("mean", torch.zeros(self.config.num_codes, self.config.latent_width))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        self.mean.copy_(latents.mean(dim=0))

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        if torch.is_grad_enabled():
            return -self.level
        return (self.level - 1).square()

    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        noise = c2l.draw_normal(options.seeds, self.config.latent_width)[:, None]
        return self.mean + 1e-3 * (noise + embeddings.mean(dim=1)[:, None, None])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> c2l.Pairs:
    torch.set_num_threads(1)
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 200, tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def climbing_prior() -> Iterator[None]:
    c2l.register_prior(ClimbingPrior, kind="climbing")
    yield
    registry.cache_clear()


def train(pairs: c2l.Pairs, out: Path, **options: Any) -> list[TrainingProgress]:
    seen: list[TrainingProgress] = []
    defaults = {"steps": 400, "learning_rate": 0.02, "student": False, "on_progress": seen.append}
    train_prior("climbing", pairs, out, **{**defaults, **options})
    return seen


@pytest.mark.usefixtures("climbing_prior")
def test_the_best_weights_are_kept_and_the_run_ends(pairs: c2l.Pairs, tmp_path: Path) -> None:
    seen = train(pairs, tmp_path / "x.safetensors", patience=3)
    looks = [s for s in seen if s.validation is not None]
    losses = [s.validation.held_out_loss for s in looks if s.validation]
    best = looks[losses.index(min(losses))].step
    card = read_prior_card(tmp_path / "x.safetensors")
    assert card.training["best_step"] == best
    assert card.training["steps_done"] == looks[-1].step == best + 3 * 20 < 400
    assert card.scores["held_out_loss"] == pytest.approx(min(losses), abs=1e-5)
    assert [s.validation.best for s in looks if s.validation][-4:] == [True, False, False, False]


@pytest.mark.usefixtures("climbing_prior")
@pytest.mark.parametrize("at", [40, 100, 120])
def test_a_cut_run_stops_where_a_whole_one_does(pairs: c2l.Pairs, tmp_path: Path, at: int) -> None:
    class Cut(Exception):
        pass

    def cut(state: TrainingProgress) -> None:
        if state.step == at:
            raise Cut

    train(pairs, tmp_path / "whole.safetensors", patience=2)
    out = tmp_path / "x.safetensors"
    with pytest.raises(Cut):
        train(pairs, out, patience=2, checkpoint_seconds=0, on_progress=cut)
    train(pairs, out, patience=2)
    assert out.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    rows = [json.loads(line) for line in (tmp_path / "x.log.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if "held_out_loss" in row]
    assert steps == sorted(set(steps)), "no look is logged twice"


@pytest.mark.usefixtures("climbing_prior")
def test_a_prior_of_before_still_trains(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    train(pairs, out, steps=20, generator=ToyGenerator(), embedder=ToyEmbedder())
    assert {"prompts_cosine", "held_out_cosine"} <= set(read_prior_card(out).scores)


@pytest.mark.usefixtures("climbing_prior")
def test_the_log(pairs: c2l.Pairs, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    train(pairs, out, steps=40, generator=ToyGenerator(), embedder=ToyEmbedder())
    rows = [json.loads(line) for line in (tmp_path / "x.log.jsonl").read_text().splitlines()]
    assert rows[0]["plan"]["steps"] == 40
    assert [row["step"] for row in rows if "loss" in row] == [20, 40]
    assert rows[-2]["pictures"] == "x.progress/step-000040.png"
    assert rows[-1]["scores"]["prompts_cosine"] and rows[-1]["verdict"]


def test_tensorboard_that_is_not_there(
    pairs: c2l.Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependency, match="TensorBoard") as caught:
        train_prior("flow", pairs, tmp_path / "x", tensorboard=tmp_path / "tb")
    assert "pip install" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_the_student_ranks(pairs: c2l.Pairs) -> None:
    student = train_student(
        pairs.embeddings[:150], pairs.latents[:150], seed=0, device=torch.device("cpu")
    )
    untrained = Student(num_codes=1, latent_width=WIDTH, embedding_width=EMBEDDING_WIDTH)
    rest = pairs.embeddings[150:], pairs.latents[150:], None
    trained, before = student_scores(student, *rest), student_scores(untrained, *rest)
    assert trained["student_cosine"] > 0.8 > before["student_cosine"] + 0.5
    assert trained["student_rank_correlation"] > 0.8
    again = train_student(
        pairs.embeddings[:150], pairs.latents[:150], seed=0, device=torch.device("cpu")
    )
    assert torch.equal(student(pairs.latents[:4]), again(pairs.latents[:4]))


def test_what_is_odd_is_the_cause() -> None:
    scores = {
        "prompts_cosine": 0.31,
        "prompts_cosine_random": 0.2,
        "prompts_cosine_neighbours": 0.29,
        "held_out_cosine": 0.9,
        "held_out_cosine_random": 0.3,
    }
    deaf, few = Oddity("it is deaf", "find another", True), Oddity("few are there", "wait", False)
    said = verdict(scores, more_steps=True, oddities=[deaf])
    assert said.endswith("these say little, since it is deaf: find another")
    assert verdict(scores, more_steps=True, oddities=[few]).endswith(
        "normal; but few are there: wait"
    )
    low = {**scores, "prompts_cosine": 0.21}
    assert verdict(low, more_steps=True, oddities=[few]).endswith("few are there: wait")
    # Where none was given, it is not at fault.
    assert "bridge" not in verdict(low, more_steps=False, choice=Choice({}))


@pytest.mark.parametrize(("unfit", "normal"), [(0.16, True), (0.52, False)])
def test_a_network_that_shows_far_less_than_the_pairs_is_not_normal(
    unfit: float, normal: bool
) -> None:
    """Its bridge was chosen among some that ask for pictures of the pairs: it cannot draw those."""
    scores = {
        "prompts_cosine": 0.44,
        "prompts_cosine_random": 0.39,
        "prompts_cosine_neighbours": 0.47,
        "held_out_cosine": 0.94,
        "held_out_cosine_random": 0.88,
    }
    trial = Trial({"gap": "blur"}, unfit, 0.8)
    said = verdict(scores, more_steps=False, choice=Choice(trial.settings, [trial], 0.14))
    assert said.endswith("normal") == normal
    if not normal:
        assert "48% of its pictures fit their prompts, where 86%" in said
        assert "; `prior=neighbours` draws those" in said and "more pairs" not in said
        unlike = {**scores, "held_out_cosine": 0.89}
        few = verdict(unlike, more_steps=False, choice=Choice(trial.settings, [trial], 0.14))
        assert few.endswith("; more pairs help")


def test_stored_latents_are_not_the_cause_of_what_is_odd() -> None:
    scores = {
        "prompts_cosine": 0.46,
        "prompts_cosine_random": 0.39,
        "prompts_cosine_neighbours": 0.47,
        "held_out_cosine": 0.99,
        "held_out_cosine_random": 0.88,
    }
    trial = Trial({"gap": "blur", "retrieval": True}, 0.14, 0.5)
    choice = Choice(trial.settings, [trial], 0.14)
    said = verdict(scores, more_steps=False, choice=choice)
    assert "normal; it answers with stored latents" in said and "w instead of z" in said
    hasty = verdict(scores, more_steps=True, usual_steps=600, choice=choice)
    assert "though 600 steps are usual" in hasty and "w instead of z" not in hasty
    ten = Oddity("there are ten pictures", "a prior can draw no others", False)
    said = verdict(scores, more_steps=False, oddities=[ten], choice=choice)
    assert said.endswith("normal; but there are ten pictures: a prior can draw no others")


def test_pictures_may_be_alike_to_the_embedder() -> None:
    """How much two of them differ is the measure of what one of them gains."""
    scores = {
        "prompts_cosine": 0.994,
        "prompts_cosine_random": 0.99,
        "prompts_cosine_neighbours": 0.995,
        "held_out_cosine": 0.999,
        "held_out_cosine_random": 0.99,
    }
    assert verdict(scores, more_steps=False).endswith("normal")
    deaf = {**scores, "prompts_cosine_neighbours": 0.991}
    assert "hardly tells these pictures apart" in verdict(deaf, more_steps=False)


def unread(prompts: tuple[str, ...], embedder: c2l.Embedder) -> Sequence[Oddity]:
    return find_unread(Domain("x", prompts), embedder)


def test_prompts_in_words_that_the_embedder_has_never_seen() -> None:
    class Knows(ToyEmbedder):
        def read_text(self, prompt: str) -> c2l.TextReading:
            return c2l.TextReading(unknown=tuple(w for w in prompt.split() if w not in "a red"))

    assert not unread(("a red", "a", "a blue car"), Knows())
    (odd,) = unread(("a red", "a blue car", "a car"), Knows())
    assert odd.text.startswith("2 of 3 prompts") and odd.text.endswith("such as 'car', 'blue'")
    assert odd.deaf


class Colours(ToyEmbedder):
    """Knows two words, and does not say so."""

    def embed_text(self, prompts: Sequence[str]) -> torch.Tensor:
        known = [" ".join(sorted({"red", "blue"} & set(p.split()))) for p in prompts]
        return super().embed_text([f"a {words or 'thing'}" for words in known])


def test_prompts_in_words_that_the_embedder_reads_as_nonsense() -> None:
    assert words_read_as_nonsense(Colours(), ["a red car", "Blue"]) == {"car"}
    assert not words_read_as_nonsense(ToyEmbedder(), ["a red car"])
    assert not unread(("a red car", "a blue house", "the car"), Colours())
    assert not unread(("7", "42", "the 7", "a red car"), ToyEmbedder())
    (odd,) = unread(("a red car", "a man", "the man in a car"), Colours())
    assert odd.deaf and odd.text == (
        "2 of 3 prompts hold only words that the embedder has never seen, such as 'man', 'car'"
    )


def test_a_list_of_which_little_is_told_apart() -> None:
    def prompts(num: int) -> tuple[str, ...]:
        colours = ("a red", "a blue", "a red and blue", "a blue red", "no")
        return (*colours, *(f"a red {number}" for number in range(num)))

    class Numbers(Colours):
        """Knows four more, so that enough are left."""

        def embed_text(self, prompts: Sequence[str]) -> torch.Tensor:
            four = [[w for w in p.split() if w in ("0", "1", "2", "3")] for p in prompts]
            texts = [f"a {' '.join(w)}" for w in four]
            return super().embed_text(prompts) + ToyEmbedder.embed_text(self, texts)

    (odd,) = unread(prompts(99), Numbers())
    assert not odd.deaf and odd.text == "the embedder tells only 8 of 104 prompts apart"
    assert not unread(prompts(9), Numbers())


def test_the_nearest_picture_over_several_parts() -> None:
    pictures = torch.randn(2**16 + 50, 4, generator=torch.Generator().manual_seed(0))
    texts = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    unit = torch.nn.functional.normalize(pictures, dim=1)
    centred = torch.nn.functional.normalize(unit - unit.mean(dim=0), dim=1)
    assert torch.equal(nearest(texts, pictures), (centred @ texts.T).argmax(dim=0))
    assert int(nearest(3 * centred[-1:], pictures)) == len(pictures) - 1


def test_the_threshold_between_two_samples() -> None:
    low, high = torch.tensor([0.1, 0.2, 0.3, 0.55]), torch.tensor([0.5, 0.6, 0.7])
    assert best_split(low, high) == pytest.approx(0.4)  # 0.575 would miss a third of the high
    assert best_split(torch.tensor([0.0, 0.2]), torch.tensor([0.4, 0.6])) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("reached", "held_out", "ends"),
    [
        (0.31, 0.9, "normal"),
        (0.21, 0.9, "a `domain` of your own prompts"),
        (0.21, 0.35, "more pairs help"),
        (0.31, 0.35, "more pairs help"),
        (math.nan, 0.9, "more pairs help"),
        (0.31, math.nan, "more pairs help"),
    ],
)
def test_the_verdict(reached: float, held_out: float, ends: str) -> None:
    scores = {
        "prompts_cosine": reached,
        "prompts_cosine_random": 0.2,
        "prompts_cosine_neighbours": 0.29,
        "held_out_cosine": held_out,
        "held_out_cosine_random": 0.3,
    }
    words = verdict(scores, more_steps=True)
    assert words.endswith(ends)
    assert f"cosine with prompts {reached:.2f}, random pictures 0.20, nearest" in words
    assert f"held-out reconstruction {held_out:.2f}, any two pictures 0.30" in words
    assert ("`steps`" in words) == (ends == "more pairs help")
    assert ("the bridge from text to pictures is at fault" in words) == ("domain" in ends)
    assert "`steps`" not in verdict(scores, more_steps=False)
    few = verdict(scores, more_steps=True, usual_steps=1234)
    assert few.endswith(", though 1,234 steps are usual for this many pairs")
