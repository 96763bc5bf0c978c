"""Statistics of the two clouds of embeddings, and the bridges that they suggest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

import c2l
from c2l import Modality, PriorCard, SampleOptions, SeededNormal
from c2l.bridge import Bridge
from c2l.bridge.clouds import Clouds, candidates, candidates_near
from c2l.bridge.prior import RETRIEVAL_DOUBT
from c2l.errors import BadInput
from c2l.prior_file import PartCard
from c2l_priors.flow import FlowPrior

torch.set_num_threads(1)
WIDTH = 48


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cone(num: int, alike: float, seed: int) -> Tensor:
    """Unit vectors whose mean cosine is ``alike``, around a direction of the seed."""
    axis = normalize(torch.randn(WIDTH, generator=rng(seed)), dim=0)
    spread = normalize(torch.randn(num, WIDTH, generator=rng(seed + 1)), dim=1)
    spread = normalize(spread - (spread @ axis)[:, None] * axis, dim=1)
    return alike**0.5 * axis + (1 - alike) ** 0.5 * spread


def apart(pictures: Tensor, alike: float = 0.8) -> Tensor:
    """Texts that vary as pictures do, around a place of their own."""
    axis = normalize(torch.randn(WIDTH, generator=rng(5)), dim=0)
    left = normalize(pictures - pictures.mean(dim=0), dim=1)
    return normalize(alike**0.5 * axis + (1 - alike) ** 0.5 * left, dim=1)


def asking(modality: Modality, adherence: float | None) -> SampleOptions:
    return SampleOptions(seeds=(), modality=modality, adherence=adherence)


def normal(num: int, first: int = 0) -> SeededNormal:
    return SeededNormal(range(first, first + num), torch.device("cpu"))


@given(alike=st.floats(0.05, 0.97), length=st.floats(0.01, 100))
def test_how_alike_pictures_are(alike: float, length: float) -> None:
    found = Clouds.measure(length * cone(400, alike, 0), cone(100, 0.5, 0))
    assert found.pictures_alike == pytest.approx(alike, abs=0.02)
    assert found.texts_alike == pytest.approx(0.5, abs=0.02)
    # Cones around one axis: the means are as far apart as they are long.
    assert found.apart == pytest.approx(abs(alike**0.5 - 0.5**0.5), abs=0.1)


def test_turning_both_clouds_changes_nothing() -> None:
    pictures, texts = cone(300, 0.6, 0), cone(80, 0.8, 5)
    turn, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=rng(3)))
    found = dataclasses.asdict(Clouds.measure(pictures, texts))
    turned = dataclasses.asdict(Clouds.measure(pictures @ turn, texts @ turn))
    # What it is compared with is a sample of directions.
    assert found.pop("told") == pytest.approx(turned.pop("told"), abs=0.02)
    assert found == pytest.approx(turned, abs=1e-4)


def test_a_gap_is_seen() -> None:
    pictures = cone(300, 0.6, 0)
    near, far = (Clouds.measure(pictures, t) for t in (pictures[:90], apart(pictures[:90])))
    assert not near.far_apart and near.separable < 0.75 and near.nearest == pytest.approx(1)
    assert far.far_apart and far.separable > 0.99 and far.nearest < 0.7


def test_every_candidate_is_a_bridge_and_no_two_are_one() -> None:
    pictures = cone(300, 0.6, 0)
    for texts in (pictures[:90], apart(pictures[:90])):
        found = candidates(Clouds.measure(pictures, texts))
        assert not any(FlowPrior.Settings.problems(settings) for settings in found)
        assert len({tuple(settings.items()) for settings in found}) == len(found) > 4
        for settings in found:
            near = candidates_near(settings, len(pictures))
            assert not any(FlowPrior.Settings.problems(one) for one in near)
            partly = settings["gap"].replace("+projection", "").replace("+neighbours", "")
            assert {one["gap"] for one in near} == {settings["gap"], f"{partly}+neighbours"}
            assert len({tuple(one.items()) for one in near}) == len(near) > 1


def test_what_suits_the_clouds_comes_first() -> None:
    pictures = cone(300, 0.6, 0)
    assert candidates(Clouds.measure(pictures, pictures[:90]))[0]["gap"] == "blur"
    far = candidates(Clouds.measure(pictures, apart(pictures[:90])))
    assert far[0]["gap"] == "blur+centring+neighbours"


def test_texts_that_name_nothing_in_the_pictures() -> None:
    """They are near to none, and do not choose what they would choose by."""
    pictures = cone(300, 0.6, 0)
    own, others = (
        Clouds.measure(pictures, apart(pictures[:90])),
        Clouds.measure(pictures, cone(90, 0.8, 5)),
    )
    assert own.told > 2 and own.named > 0.1 and own.texts_suit
    assert others.told == pytest.approx(1, abs=0.1) and not others.texts_suit
    assert len(candidates(own)) > 4
    assert candidates(others) == candidates(own)[:1]
    # All of them alike, next to what pictures are: none is nearer to its own than to the others.
    same = normalize(pictures[:1] + 1e-3 * cone(40, 0.0, 9), dim=1)
    assert not Clouds.measure(pictures, same).texts_suit


def test_one_loud_number_that_says_nothing_is_no_other_world() -> None:
    """All cosines are near 1 then, and what texts name lies in their last digits."""
    pictures = cone(300, 0.6, 0)
    own, others = apart(pictures[:90]), cone(90, 0.8, 5)

    def loud(rows: Tensor) -> Tensor:
        return torch.nn.functional.pad(rows, (0, 1), value=10.0)

    assert Clouds.measure(loud(pictures), loud(own)).named < 0.01
    assert Clouds.measure(loud(pictures), loud(own)).texts_suit
    assert not Clouds.measure(loud(pictures), loud(others)).texts_suit


def test_in_three_dimensions_every_direction_has_a_picture_near_it() -> None:
    mean_colours = 1 + torch.randn(2000, 3, generator=rng(0)) * torch.tensor([0.3, 0.25, 0.2])
    names = torch.eye(3).repeat(4, 1) + 0.1
    found = Clouds.measure(mean_colours, names)
    assert found.texts_suit
    assert len(candidates(found)) > 1


def test_of_few_pictures_several_are_near() -> None:
    pictures = cone(40, 0.6, 0)
    clouds = Clouds.measure(pictures, apart(pictures))
    for candidate in candidates(clouds, len(pictures)):
        if "neighbours" in candidate["gap"]:
            fewest = 3 if candidate["retrieval"] else 4
            assert round(candidate["nearest"] * len(pictures)) == fewest


def test_stored_latents_are_tried_with_more_and_less_slack_around_the_best_picture() -> None:
    pictures = cone(3000, 0.6, 0)
    *_, stored = candidates(Clouds.measure(pictures, apart(pictures[:30])), len(pictures))
    assert stored["retrieval"]
    near = candidates_near(stored, len(pictures))
    slacks = [settings.pop("slack") for settings in near]
    assert min(slacks) < stored["slack"] < max(slacks)
    assert all(settings.items() <= stored.items() for settings in near)
    assert round(stored["nearest"] * len(pictures)) == 3


@pytest.mark.parametrize(
    ("pictures", "texts"),
    [
        (cone(50, 0.5, 0), torch.ones(20, WIDTH)),
        (cone(50, 0.5, 0), torch.ones(1, WIDTH)),
        (torch.ones(50, WIDTH), cone(20, 0.5, 0)),
        (torch.ones(50, WIDTH), torch.ones(20, WIDTH)),
    ],
)
def test_where_nothing_can_be_told_apart_there_is_no_choice(
    pictures: Tensor, texts: Tensor
) -> None:
    (only,) = candidates(Clouds.measure(pictures, texts))
    assert only["gap"] == "blur"


def test_without_texts_only_pictures_tell_where_a_prompt_belongs() -> None:
    (only,) = candidates(None)
    assert only["gap"] == "blur+neighbours"


@pytest.mark.parametrize("alike", [0.2, 0.9, 0.99])
@pytest.mark.parametrize("length", [0.25, 1.0])
def test_blur_hides_as_much_however_alike_pictures_are(alike: float, length: float) -> None:
    bridge = Bridge(WIDTH, ingredients="blur", noise=length, adherence=0.5)
    pictures = cone(500, alike, 0)
    bridge.fit(pictures, None)
    noisy, _ = bridge.ask(pictures, asking("image", 0.0), normal(500))
    cosine = float(cosine_similarity(noisy, bridge.unit(pictures, "image")).mean())
    assert cosine == pytest.approx((1 + length**2) ** -0.5, abs=0.02)


def test_neighbours_take_one_of_the_pictures_that_fit() -> None:
    bridge = Bridge(WIDTH, ingredients="blur+neighbours", noise=1.0, pull=1.0, nearest=0.01)
    pictures = cone(4096, 0.6, 0)
    texts = normalize(pictures[:3] + 0.1 * cone(3, 0.0, 7), dim=1)
    bridge.fit(pictures, texts)
    asked = texts[:1].expand(60, -1)
    taken, _ = bridge.ask(asked, asking("text", 1.0), normal(60))
    cosines = taken @ bridge.unit(pictures, "image").T
    assert cosines.amax(dim=1).min() > 0.999  # stored pictures, in float16
    rows = cosines.argmax(dim=1)
    assert 10 < len(set(rows.tolist())) <= 41
    # The best hundredth of those that fit, and the seed alone says which.
    fits = (normalize(pictures, dim=1) @ (texts[0] - bridge.text_mean)).argsort(descending=True)
    assert set(rows.tolist()) <= set(fits[:45].tolist())
    again, _ = bridge.ask(asked[:5], asking("text", 1.0), normal(5, first=20))
    assert torch.equal(again, taken[20:25])


def test_slack_takes_more_neighbours_where_more_fit_as_well() -> None:
    """Of two texts, many pictures fit the one, and few the other."""
    many, few = normalize(cone(2, 0.0, 7), dim=1)
    rest = cone(2_000, 0.0, 0)
    pictures = torch.cat([many + 0.1 * cone(90, 0.0, 1), few + 0.1 * cone(9, 0.0, 2), rest])
    how = {"ingredients": "blur+neighbours", "pull": 1.0, "nearest": 0.001}
    bridge = Bridge(WIDTH, **how, slack=0.1, stored=len(pictures))
    bridge.fit(pictures, torch.cat([torch.stack([many, few]), -rest]))
    seen = bridge.unit(pictures, "image")
    for text, fits in ((many, range(90)), (few, range(90, 99))):
        taken, _ = bridge.ask(text.expand(900, -1), asking("text", 1.0), normal(900))
        rows = set((taken @ seen.T).argmax(dim=1).tolist())
        assert rows <= set(fits) and len(rows) > 0.7 * len(fits)
        mean = normalize(seen[sorted(rows)].mean(dim=0), dim=0)
        assert float(bridge.unit(text[None], "text")[0] @ mean) > 0.99
    # As many at least as without, and a tenth of all at most.
    for slack, num in ((0.0, 2), (1.0, 210)):
        bridge.change(**how, noise=0.0, text_noise=1.0, adherence=1.0, slack=slack)
        taken, _ = bridge.ask(many.expand(3000, -1), asking("text", 1.0), normal(3000))
        assert len(set((taken @ seen.T).argmax(dim=1).tolist())) == num


def test_text_is_told_as_noisy_as_was_set() -> None:
    bridge = Bridge(WIDTH, ingredients="blur", noise=2.0, text_noise=0.3, adherence=1.0)
    pictures = cone(200, 0.6, 0)
    bridge.fit(pictures, None)
    unit, told = bridge.ask(pictures, asking("text", None), normal(200))
    assert told.unique().tolist() == pytest.approx([0.3])
    assert torch.equal(unit, bridge.unit(pictures, "text"))
    noisy, told = bridge.ask(pictures, asking("text", 0.0), normal(200))
    assert told.unique().tolist() == pytest.approx([0.3])
    assert float((noisy * unit).sum(1).mean()) == pytest.approx((1 + 0.6**2) ** -0.5, abs=0.03)


def test_a_bridge_can_be_changed_after_the_fit() -> None:
    pictures, texts = cone(300, 0.6, 0), cone(80, 0.8, 5)
    later = Bridge(WIDTH, ingredients="blur", noise=1.0)
    later.fit(pictures, texts)
    for name in ("blur+centring", "blur+projection", "blur+centring+neighbours", "blur"):
        values = {"noise": 1.0, "text_noise": 0.5, "adherence": 0.5, "pull": 0.7, "nearest": 0.01}
        values["slack"] = 0.2
        at_once = Bridge(WIDTH, ingredients=name, **values)
        at_once.fit(pictures, texts)
        later.change(ingredients=name, **values)
        assert later.state_dict().keys() == at_once.state_dict().keys()
        for now, then in zip(
            later.ask(texts, asking("text", None), normal(80)),
            at_once.ask(texts, asking("text", None), normal(80)),
            strict=True,
        ):
            assert torch.equal(now, then)


@pytest.mark.parametrize(
    ("gap", "wrong"),
    [
        ("blur+noise", "two lengths of the same noise"),
        ("blur+projection+neighbours", "use one of them"),
        ("noise+neighbours", "go with blur"),
    ],
)
def test_ingredients_that_do_not_go_together(gap: str, wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong):
        FlowPrior(embedding_width=4, num_codes=1, latent_width=4, gap=gap)


def auto(**settings: float) -> FlowPrior:
    prior = FlowPrior(embedding_width=WIDTH, num_codes=1, latent_width=3, hidden=8, **settings)
    pictures = cone(60, 0.6, 0)
    prior.fit(pictures, torch.randn(60, 1, 3, generator=rng(2)), apart(pictures[:30]))
    return prior.eval()


def test_auto_is_resolved_when_pairs_are_there() -> None:
    prior = auto()
    first, *others = prior.sampling_candidates()
    assert others and "auto" not in first.values()
    assert prior.sampling_evidence()["pictures_alike"] == pytest.approx(0.6, abs=0.02)
    open_at_first = {"retrieval": False}
    assert {**open_at_first, **prior.settings()}.items() >= first.items()
    prior.adopt(others[0])
    assert {**open_at_first, **prior.settings()}.items() >= others[0].items()
    for candidate in (first, *others):
        wanted = RETRIEVAL_DOUBT if candidate["retrieval"] else 1
        assert prior.sampling_doubt(candidate) == wanted


def test_what_is_set_is_not_chosen() -> None:
    prior = auto(adherence=0.7, text_noise=0.9)
    assert prior.settings()["adherence"] == 0.7
    for settings in prior.sampling_candidates():
        assert not settings.keys() & {"adherence", "text_noise"}
    for retrieval in (True, False):
        prior = auto(retrieval=retrieval)
        near = [n for c in prior.sampling_candidates() for n in prior.sampling_candidates_near(c)]
        assert near and not any("retrieval" in settings for settings in near)
        assert prior.settings().get("retrieval", False) == retrieval
    fixed = FlowPrior(embedding_width=WIDTH, num_codes=1, latent_width=3, hidden=8, gap="blur")
    fixed.fit(cone(60, 0.6, 0), torch.randn(60, 1, 3), cone(30, 0.8, 5))
    assert not fixed.sampling_candidates() and fixed.settings()["gap"] == "blur"


def test_each_choice_comes_back_from_its_file(tmp_path: Path) -> None:
    prior, texts = auto(), cone(5, 0.8, 5)
    for index, settings in enumerate(prior.sampling_candidates()):
        prior.adopt(settings)
        part = PartCard("toy:part", "0" * 64)
        card = PriorCard("flow", dict(prior.settings()), part, part, (1,))
        prior.save(tmp_path / f"{index}.safetensors", card)
        again = c2l.load_prior(str(tmp_path / f"{index}.safetensors"))
        drawn, same = (p.sample(texts, seeds=range(5)) for p in (prior, again))
        assert torch.equal(drawn, same)


def test_files_from_before_blur_keep_their_fingerprints() -> None:
    old = {"gap": "centring+noise", "noise": 0.8, "adherence": 0.25}
    prior = FlowPrior(embedding_width=4, num_codes=1, latent_width=4, hidden=8, **old)
    assert not prior.settings().keys() & {"text_noise", "pull", "nearest", "slack"}
    pulled = FlowPrior(embedding_width=4, num_codes=1, latent_width=4, hidden=8, **old, pull=0.6)
    assert pulled.settings()["pull"] == 0.6
