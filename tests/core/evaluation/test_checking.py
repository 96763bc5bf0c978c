"""The check of a pipeline: each way in which parts do not fit is told by its own verdict."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from c2l import Pipeline, Prior, PriorCard, TextReading
from c2l.errors import BadInput
from c2l.evaluation.checking import Check, check_pipeline
from c2l.evaluation.checking.verdict import judge, ranges
from c2l.prior_file import PartCard
from c2l.prompts.domains import Domain
from c2l.testing import ToyEmbedder, ToyGenerator, some_prompts, toy_pairs, toy_pipeline
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l_priors.neighbours import NeighboursPrior
from c2l_priors.ridge import RidgePrior

torch.set_num_threads(1)
DOMAIN = Domain("toys.txt", tuple(dict.fromkeys(some_prompts(60))))


def prior_of(
    change: Callable[[Tensor], Tensor] = lambda latents: latents,
    kind: type[Prior] = NeighboursPrior,
    **settings: Any,
) -> Prior:
    """One that learnt from pairs whose latents were changed."""
    widths = {"embedding_width": EMBEDDING_WIDTH, "num_codes": 1, "latent_width": WIDTH}
    prior = kind(**widths, **settings)
    embeddings, latents = toy_pairs(2000)
    texts = ToyEmbedder().embed_text(DOMAIN.for_fitting)
    prior.fit(embeddings, change(latents), texts)
    return prior.eval()


def check(
    prior: Prior,
    generator: Any = None,
    embedder: Any = None,
    domain: Domain = DOMAIN,
    **options: Any,
) -> Check:
    pipeline = Pipeline(generator or ToyGenerator(), embedder or ToyEmbedder(), prior)
    return check_pipeline(pipeline, domain, num_prompts=40, num_fresh=128, **options)


class Upside(ToyEmbedder):
    """Is given pictures otherwise than those that trained the prior."""

    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(0.5 * images.flip(1) + 0.5)


class Deaf(ToyEmbedder):
    """Reads every prompt alike."""

    def embed_text(self, prompts: Any) -> Tensor:
        return super().embed_text(["shape1"] * len(prompts))


def shuffled(latents: Tensor) -> Tensor:
    return latents[torch.randperm(len(latents), generator=torch.Generator().manual_seed(0))]


class OtherWords(ToyEmbedder):
    """Calls all words unknown, though it tells prompts apart."""

    def read_text(self, prompt: str) -> TextReading:
        return TextReading(unknown=tuple(prompt.split()))


def test_parts_that_fit() -> None:
    found = check(prior_of())
    assert found.verdict.fault is None, found.verdict
    scores = found.scores
    assert scores["alignment"] > scores["alignment_random"] and scores["named"] > 0.1
    assert scores["pictures_moved"] < 0.2 and 0.8 < scores["latents_away"] < 1.2
    assert scores["seconds"] > 0


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ("prior", lambda: {"prior": prior_of(shuffled)}),
        ("generator", lambda: {"prior": prior_of(lambda latents: latents + 4)}),
        ("generator", lambda: {"prior": prior_of(), "generator": ToyGenerator(salt=100)}),
        ("embedder", lambda: {"prior": prior_of(), "embedder": Upside()}),
        ("bridge", lambda: {"prior": prior_of(gap="none"), "embedder": ToyEmbedder(gap=5.0)}),
        ("prompts", lambda: {"prior": prior_of(), "embedder": Deaf()}),
        ("prompts", lambda: {"prior": prior_of(), "embedder": OtherWords()}),
        ("alike", lambda: {"prior": prior_of(num_nearest=1)}),
    ],
)
def test_parts_that_do_not_fit(fault: str, parts: Callable[[], dict[str, Any]]) -> None:
    found = check(**parts())
    assert found.verdict.fault == fault, (found.verdict, found.scores)


def test_a_prior_without_a_bridge_cannot_tell_pictures_of_training() -> None:
    assert "pictures_moved" in check(prior_of(kind=RidgePrior)).scores
    found = check_pipeline(toy_pipeline(), DOMAIN, num_prompts=8, num_fresh=16)
    assert "pictures_moved" not in found.scores


def test_what_was_expected_counts() -> None:
    found = check(prior_of(), expected={"alignment": (0.98, 1.0)})
    assert found.verdict.fault == "unusual" and "alignment" in found.verdict.text


def test_scores_of_training_are_expected() -> None:
    prior, part = prior_of(), PartCard("toy:part", "0" * 64)
    card = PriorCard(
        "neighbours", dict(prior.settings()), part, part, (5,), domain={"name": DOMAIN.name}
    )
    usual = check(prior).scores["alignment"]
    for seen, fault in ((usual, None), (usual + 0.1, "unusual")):
        prior.card = dataclasses.replace(card, scores={"prompts_cosine": seen})
        assert check(prior).verdict.fault == fault
        other = dataclasses.replace(DOMAIN, name="others.txt")
        assert check(prior, domain=other).verdict.fault is None


def test_pictures_are_drawn_again_as_well_as_in_training() -> None:
    prior, part = prior_of(), PartCard("toy:part", "0" * 64)
    card = PriorCard("neighbours", dict(prior.settings()), part, part, (5,))
    usual = check(prior).scores
    other = {"held_out_cosine_random": usual["again_other"]}
    gain = usual["again"] - usual["again_other"]
    for times, fault in ((1.2, None), (1.5, "unusual")):
        seen = usual["again_other"] + times * gain
        prior.card = dataclasses.replace(card, scores={"held_out_cosine": seen, **other})
        verdict = check(prior).verdict
        assert verdict.fault == fault and ("again" in verdict.text) == (fault is not None)


def test_a_report_names_no_file_and_nobody(tmp_path: Path) -> None:
    prior = prior_of()
    prior.reference = f"neighbours:{tmp_path}/secret.safetensors"
    domain = dataclasses.replace(DOMAIN, name="secret.txt")
    found = check(prior, domain=domain)
    found.write(tmp_path / "report")
    page = (tmp_path / "report" / "check.md").read_text()
    data = (tmp_path / "report" / "check.json").read_text()
    for text in (page, data):
        assert "secret" not in text and str(tmp_path) not in text
        assert "neighbours:(a file)" in text and prior.fingerprint()[:12] in text
    read = json.loads(data)
    assert read["schema"] == "c2l-check/1" and read["fault"] is None
    assert read["scores"].keys() == found.scores.keys()
    assert "fine" in page.splitlines()[0]


def test_it_is_the_same_again() -> None:
    once, again = check(prior_of()).scores, check(prior_of()).scores
    assert {**once, "seconds": 0} == {**again, "seconds": 0}


@pytest.mark.parametrize("few", [{"num_prompts": 7}, {"num_fresh": 15}])
def test_too_few_to_judge_by(few: dict[str, int]) -> None:
    (name,) = few
    pipeline = Pipeline(ToyGenerator(), ToyEmbedder(), prior_of())
    with pytest.raises(BadInput, match="too few to judge by") as caught:
        check_pipeline(pipeline, DOMAIN, **few)
    assert caught.value.field == name


FINE = {
    "alignment": 0.29,
    "named": 0.08,
    "named_neighbours": 0.07,
    "told": 1.8,
    "again": 0.9,
    "again_other": 0.6,
    "diversity": 0.5,
    "latents_away": 1.0,
    "pictures_moved": 0.06,
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"named": 0.01, "again": 0.61}, "prior"),
        ({"named": 0.03}, "bridge"),
        ({"named_neighbours": 0.01, "named": 0.0}, "prompts"),
        ({"told": 1.05}, "prompts"),
        ({"latents_away": 3.0}, "generator"),
        ({"pictures_moved": 0.5}, "embedder"),
        ({"pictures_moved": 0.5, "named": 0.0}, "embedder"),
        ({"pictures_moved": 0.5, "named": 0.0, "again": 0.6}, "generator"),
        ({"diversity": 0.01}, "alike"),
        ({"alignment": 0.4}, "unusual"),
        ({"alignment": float("nan")}, "unusual"),
    ],
)
def test_the_likeliest_cause(change: dict[str, float], fault: str | None) -> None:
    normal = ranges(256, {"alignment": (0.25, 0.34)})
    verdict = judge({**FINE, **change}, normal)
    assert verdict.fault == fault and verdict.text[0].islower()
