"""From pairs of all classes to pictures of the one that is asked for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from told_toy import NAMES, Told

import c2l
from c2l.editing.ends import end_of
from c2l.errors import BadInput, IncompatibleParts
from c2l.pairs.groups import CODE_STRIDE
from c2l.pairs.manifest import PairsManifest
from c2l.prior_file import read_prior_card
from c2l.sampling.record import request_of
from c2l.service.notices import notices_before
from c2l.service.sent.ends import SentEnd
from c2l.testing import ToyEmbedder, ToyGenerator
from c2l.training import TrainingRun

NUM = 800


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("classes")


@pytest.fixture(scope="module")
def pairs(folder: Path) -> c2l.Pairs:
    return c2l.build_pairs(Told(), ToyEmbedder(), NUM, folder / "pairs")


def trained(pairs: c2l.Pairs, out: Path, kind: str = "flow", steps: int = 600) -> c2l.Pipeline:
    settings = {} if kind == "ridge" else {"hidden": 64, "num_blocks": 1}
    c2l.train_prior(
        kind, pairs, out, settings=settings, steps=steps, patience=50, batch_size=64, student=False
    )
    prior = c2l.load_prior(f"{kind}:{out}")
    return c2l.load_pipeline(generator=Told(), embedder=ToyEmbedder(), prior=prior, device="cpu")


@pytest.fixture(scope="module")
def pipeline(pairs: c2l.Pairs, folder: Path) -> c2l.Pipeline:
    return trained(pairs, folder / "flow.safetensors")


# -- pairs


def test_pairs_are_of_the_classes_of_their_seeds(pairs: c2l.Pairs) -> None:
    told = Told()
    assert told.classes is not None and pairs.classes is not None
    assert pairs.classes.tolist() == told.classes.draw(range(NUM))
    assert set(pairs.classes.tolist()) == {0, 1, 2, 3}
    wanted = told.sample_class_latents(range(NUM), pairs.classes.tolist())
    assert torch.allclose(pairs.latents, wanted, atol=1e-5)


def test_the_codes_of_a_pair_share_its_class(folder: Path) -> None:
    mixed = c2l.build_pairs(Told(), ToyEmbedder(), 20, folder / "mixed", groups=(2, 3))
    assert mixed.classes is not None
    classes = mixed.classes.tolist()
    for code in range(2):
        seeds = [seed + code * CODE_STRIDE for seed in range(20)]
        wanted = Told().sample_class_latents(seeds, classes)[:, 0]
        assert torch.allclose(mixed.latents[:, code], wanted, atol=1e-5)


def test_pairs_among_some(folder: Path) -> None:
    some = c2l.build_pairs(Told(), ToyEmbedder(), 40, folder / "some", class_labels=["east", "2"])
    assert some.classes is not None and set(some.classes.tolist()) == {1, 2}
    assert some.manifest.class_labels == (1, 2)
    assert PairsManifest.from_json(some.manifest.to_json()) == some.manifest
    again = c2l.build_pairs(Told(), ToyEmbedder(), 40, folder / "some", class_labels=["1-2"])
    assert again.manifest == some.manifest
    with pytest.raises(IncompatibleParts, match="its classes are 1-2, not all"):
        c2l.build_pairs(Told(), ToyEmbedder(), 40, folder / "some")


@pytest.mark.parametrize(
    ("generator", "labels", "message"),
    [
        (Told, ["nroth"], "no class is called 'nroth'"),
        (Told, [4], "there is no class 4"),
        (ToyGenerator, [0], "toy:generator has no classes"),
    ],
)
def test_classes_that_there_are_not(
    generator: Any, labels: list[int | str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        c2l.build_pairs(generator(), ToyEmbedder(), 20, tmp_path / "x", class_labels=labels)
    assert caught.value.field == "class_labels"
    assert not (tmp_path / "x").exists()


def test_a_plan_without_classes_does_not_speak_of_them(folder: Path) -> None:
    plain = c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 20, folder / "plain")
    assert plain.classes is None
    assert not [name for name in json.loads(plain.manifest.to_json()) if "class" in name]
    old = dataclasses.replace(plain.manifest, num_classes=3)
    assert old.fingerprint() != plain.manifest.fingerprint()


# -- priors


def test_the_file_remembers_classes(pipeline: c2l.Pipeline, folder: Path) -> None:
    card = read_prior_card(folder / "flow.safetensors")
    assert card.settings["num_classes"] == 4 and card.class_labels == ()
    assert "num_classes" not in TrainingRun.of(card).settings


@pytest.mark.parametrize("kind", ["flow", "mlp"])
def test_a_prior_samples_within_a_class(
    kind: str, pairs: c2l.Pairs, pipeline: c2l.Pipeline, tmp_path: Path
) -> None:
    """Told nothing, it finds the class in the picture; told one, it takes that."""
    prior = pipeline.prior if kind == "flow" else trained(pairs, tmp_path / "x", kind).prior
    asked, classes = pairs.embeddings[:200], pairs.classes
    assert classes is not None
    free = prior.sample(asked, seeds=range(200), modality="image")
    told = prior.sample(asked, seeds=range(200), modality="image", classes=[2] * 200)
    of = Told().classes_of
    assert (of(free) == classes[:200]).float().mean() > 0.8
    assert (of(told) == 2).float().mean() > 0.75


def test_classes_that_a_prior_cannot_be_told(pipeline: c2l.Pipeline, pairs: c2l.Pairs) -> None:
    for classes in ([4], [-1], [0, 1]):
        with pytest.raises(BadInput, match="`classes` are not 1 numbers from 0 to 3"):
            pipeline.prior.sample(pairs.embeddings[:1], seeds=[0], classes=classes)


# -- pictures


def test_a_class_is_obeyed_whatever_the_prompt(pipeline: c2l.Pipeline) -> None:
    for number, name in enumerate(NAMES):
        result = pipeline(["red", "dark"], num_images=4, class_label=name.upper())
        assert pipeline.generator.classes_of(result.latents).tolist() == [number] * 8
        assert {record["drawn_class"] for record in result.records} == {name}
        assert {record["class_label"] for record in result.records} == {number}
        assert result.settings.class_label == number


def test_the_prompt_chooses_without_one(pipeline: c2l.Pipeline) -> None:
    result = pipeline("red", num_images=12)
    names = [record["drawn_class"] for record in result.records]
    assert names == [NAMES[n] for n in pipeline.generator.classes_of(result.latents).tolist()]
    assert not any("class_label" in record for record in result.records)


def test_a_record_draws_it_again(pipeline: c2l.Pipeline) -> None:
    (picture,) = pipeline("red", seed=5, class_label="south")
    request = request_of(dict(picture.record), "x").replace(fingerprints=None)
    fields = {n: v for n, v in request.to_dict().items() if n in c2l.DrawRequest.model_fields}
    (again,) = pipeline.stream(c2l.DrawRequest(**fields))
    assert torch.equal(again.image, picture.image)
    operation = end_of(pipeline, picture).operation
    (edited,) = pipeline.draw_operations([operation])
    assert torch.allclose(edited[0].image, picture.image, atol=1e-5)
    assert edited[0].record["drawn_class"] == "south"


def test_descending_does_not_leave_the_class(pipeline: c2l.Pipeline) -> None:
    result = pipeline("red", num_images=2, class_label=3, optimise=3)
    assert pipeline.generator.classes_of(result.latents).tolist() == [3, 3]


def test_a_prior_that_knows_no_classes_obeys(pairs: c2l.Pairs, tmp_path: Path) -> None:
    ridge = trained(pairs, tmp_path / "r.safetensors", "ridge")
    request = c2l.DrawRequest(prompt="red", num_images=4, class_label="west wind")
    told = [notice.text for notice in notices_before(ridge, request)]
    assert told == ["ridge did not learn classes: what it samples is moved into `class_label`"]
    result = ridge("red", num_images=4, class_label="west wind")
    assert ridge.generator.classes_of(result.latents).tolist() == [3] * 4


def test_a_prior_of_one_class(folder: Path) -> None:
    one = c2l.build_pairs(Told(), ToyEmbedder(), 64, folder / "one", class_labels=["east"])
    pipeline = trained(one, folder / "one.safetensors", steps=20)
    assert pipeline.prior.config.num_classes == 0
    assert pipeline.prior.card is not None and pipeline.prior.card.class_labels == (1,)
    assert pipeline("red", class_label="east").records[0]["drawn_class"] == "east"
    with pytest.raises(BadInput, match="was trained on east, not on north") as caught:
        pipeline("red", class_label="north")
    assert caught.value.field == "class_label"


def test_a_generator_without_classes_refuses_one() -> None:
    demo = c2l.load_pipeline("demo-faces", device="cpu")
    with pytest.raises(BadInput, match="stylegan:demo-faces has no classes") as caught:
        demo("a man", class_label=0)
    assert caught.value.hint == "Leave out `class_label`"


# -- edits


def test_edits_of_prompts_and_seeds_keep_to_a_class(pipeline: c2l.Pipeline) -> None:
    ends = [end_of(pipeline, thing, seed=7, class_label="south") for thing in ("red", 5, 6)]
    free = [end_of(pipeline, seed) for seed in (5, 6)]
    operations = [end.operation for end in ends + free]
    drawn = [picture for some in pipeline.draw_operations(operations) for picture in some]
    assert [picture.record["drawn_class"] for picture in drawn[:3]] == ["south"] * 3
    assert torch.equal(drawn[1].latents[:1], Told().sample_class_latents([5], [2])[0])
    by_seed = [NAMES[n] for n in Told().classes.draw([5, 6])]  # type: ignore[union-attr]
    assert [picture.record["drawn_class"] for picture in drawn[3:]] == by_seed


def test_an_end_that_was_sent_may_have_a_class() -> None:
    assert SentEnd(seed=5, class_label="south").how == {"class_label": "south"}
    assert SentEnd(prompt="red", class_label=2).how == {"class_label": 2}
    for wrong in ({"seed": 5, "guidance": 2.0}, {"record": {}, "class_label": 2}):
        with pytest.raises(ValueError, match="are of prompts"):
            SentEnd(**wrong)  # type: ignore[arg-type]
