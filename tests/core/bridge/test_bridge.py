"""The bridge between the modalities: what each ingredient does to text and to pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

import c2l
from c2l import Modality, Prior, PriorCard, SampleOptions, SeededNormal
from c2l.bridge.bridge import REPULSION, Bridge
from c2l.bridge.ingredients import INGREDIENTS
from c2l.errors import BadInput, BadWeights
from c2l.prior_file import PartCard
from c2l.testing import ToyEmbedder, some_prompts, toy_pairs
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.flow import FlowPrior
from c2l_priors.ridge import RidgePrior

torch.set_num_threads(1)
WIDTH = 64


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def asking(modality: Modality, adherence: float | None) -> SampleOptions:
    return SampleOptions(seeds=(), modality=modality, adherence=adherence)


def normal(num: int) -> SeededNormal:
    return SeededNormal(range(num), torch.device("cpu"))


def two_crowds(num: int = 400) -> tuple[Tensor, Tensor]:
    """Pictures and texts that vary alike around two places far apart."""
    apart = 4 * torch.randn(2, WIDTH, generator=rng(0))
    pictures = apart[0] + torch.randn(num, WIDTH, generator=rng(1))
    return pictures, apart[1] + pictures - apart[0]


def fitted(ingredients: str, noise: float = 1.0, texts: bool = True) -> Bridge:
    bridge = Bridge(WIDTH, ingredients=ingredients, noise=noise, adherence=0.5)
    pictures, words = two_crowds()
    bridge.fit(pictures, words if texts else None)
    return bridge


def alike(bridge: Bridge) -> float:
    """The mean cosine of texts and the pictures they belong to, as the network sees them."""
    pictures, words = two_crowds()
    return float(
        cosine_similarity(bridge.unit(pictures, "image"), bridge.unit(words, "text")).mean()
    )


def test_each_bridge_brings_text_to_its_pictures() -> None:
    assert alike(fitted("none")) < 0.3
    assert alike(fitted("centring")) > 0.9
    assert alike(fitted("centring+projection")) > 0.8
    assert alike(fitted("centring+ridge")) > 0.8


BRIDGES = (
    "none",
    *(name for name in INGREDIENTS if name != "neighbours"),
    "noise+centring+projection+ridge",
    "blur+centring+projection+ridge",
    "blur+neighbours",
    "blur+centring+neighbours",
)


@pytest.mark.parametrize("ingredients", BRIDGES)
def test_what_the_network_sees_is_unit_length(ingredients: str) -> None:
    bridge = fitted(ingredients)
    pictures, words = two_crowds()
    shown, levels = bridge.show(pictures, rng(5))
    torch.testing.assert_close(shown.norm(dim=1), torch.ones(len(shown)))
    assert levels.min() >= 0 and levels.max() <= 1
    both: tuple[tuple[Modality, Tensor], ...] = (("text", words), ("image", pictures))
    for modality, asked in both:
        unit, _ = bridge.ask(asked, asking(modality, None), normal(len(asked)))
        torch.testing.assert_close(unit.norm(dim=1), torch.ones(len(unit)))


def test_negative_texts_push_an_embedding_away_from_what_texts_share() -> None:
    bridge = Bridge(WIDTH, ingredients="none")
    texts = torch.eye(WIDTH)[:3] + torch.eye(WIDTH)[3]
    bridge.fit(texts, texts)
    asked, negative, weights = texts[:1], texts[None, 1:], torch.tensor([1.0, 0.5])
    options = {"seeds": [0], "negative": negative, "negative_weights": weights.tolist()}
    moved = bridge._away(asked, SampleOptions(**options))
    mean = normalize(texts, dim=1).mean(dim=0)
    own, *unwanted = normalize(texts, dim=1) - mean
    towards = (moved[0] - mean) - own
    expected = -REPULSION * own.norm() * (normalize(torch.stack(unwanted), dim=1).T @ weights)
    torch.testing.assert_close(towards, expected)
    for unmoved in (SampleOptions(seeds=[0]), SampleOptions(**options, negative_by="guidance")):
        assert bridge._away(asked, unmoved) is asked


@given(adherence=st.floats(0, 1), noise=st.floats(0, 2))
def test_adherence_is_the_length_of_the_noise(adherence: float, noise: float) -> None:
    bridge = fitted("noise", noise)
    pictures, _ = two_crowds()
    unit, levels = bridge.ask(pictures, asking("image", adherence), normal(len(pictures)))
    length = noise * (1 - adherence)
    cosine = float(cosine_similarity(unit, normalize(pictures, dim=1)).mean())
    assert abs(cosine - (1 + length**2) ** -0.5) < 0.03
    assert levels.tolist() == pytest.approx([1 - adherence if noise else 0.0] * len(levels))


def test_centred_noise_is_as_long_against_what_is_left() -> None:
    """Pictures close to each other: what noise does to their differences stays what it was."""
    bridge, (pictures, _) = fitted("centring+noise"), two_crowds()
    unit = normalize(pictures, dim=1)
    left = (unit - unit.mean(dim=0)).norm(dim=1).mean()
    noisy, _ = bridge.ask(pictures, asking("image", 0.0), normal(len(pictures)))
    cosine = float(cosine_similarity(noisy, bridge.unit(pictures, "image")).mean())
    assert left < 0.95
    assert abs(cosine - float(1 / (1 + left**-2) ** 0.5)) < 0.03


def test_pictures_that_are_all_the_same_give_no_nan() -> None:
    bridge = Bridge(WIDTH, ingredients="centring+noise", noise=1.0, adherence=0.5)
    bridge.fit(torch.ones(9, WIDTH), None)
    assert torch.isfinite(bridge.show(torch.ones(9, WIDTH), rng(1))[0]).all()


def test_text_is_told_as_noisy_as_can_be_and_pictures_as_they_are() -> None:
    bridge, (pictures, words) = fitted("centring+noise"), two_crowds()
    assert bridge.ask(words, asking("text", 1.0), normal(400))[1].eq(1).all()
    unit, levels = bridge.ask(pictures, asking("image", None), normal(400))
    assert levels.eq(0).all()
    assert torch.equal(unit, bridge.unit(pictures, "image"))


def test_without_texts_both_lose_the_mean_of_the_pictures() -> None:
    bridge = fitted("centring", texts=False)
    pictures, _ = two_crowds()
    assert torch.equal(bridge.text_mean, bridge.image_mean)
    torch.testing.assert_close(bridge.unit(pictures, "text"), bridge.unit(pictures, "image"))


def test_few_pictures_are_enough_for_a_projection() -> None:
    bridge = Bridge(WIDTH, ingredients="centring+projection", noise=0.0, adherence=1.0)
    pictures, words = two_crowds(3)
    bridge.fit(pictures, words)
    assert torch.isfinite(bridge.unit(words, "text")).all()


def test_real_words_come_nearer_to_pictures_that_fit() -> None:
    """In the toy world, where texts have a gap and noise of their own."""
    embeddings, _ = toy_pairs(2000)
    embedder = ToyEmbedder()
    prompts = some_prompts(100, seed=5)
    text = embedder.embed_text(prompts)
    gaps = {}
    for ingredients in ("none", "centring"):
        bridge = Bridge(EMBEDDING_WIDTH, ingredients=ingredients, noise=0.0, adherence=1.0)
        bridge.fit(embeddings, text)
        apart = bridge.unit(text, "text").mean(dim=0) - bridge.unit(embeddings, "image").mean(dim=0)
        gaps[ingredients] = float(apart.norm())
    assert gaps["centring"] < 0.5 * gaps["none"]


@pytest.mark.parametrize("kind", [FlowPrior, RidgePrior, DiffusionPrior])
@pytest.mark.parametrize("wrong", ["salt", "noise+", "centring+shaped", "", "None"])
def test_ingredients_that_do_not_exist(kind: type[Prior], wrong: str) -> None:
    name = max(set(wrong.split("+")) - set(INGREDIENTS))
    with pytest.raises(BadInput, match=rf"the gap has no ingredient '{name}'; use none") as caught:
        kind(embedding_width=4, num_codes=1, latent_width=4, gap=wrong)
    assert caught.value.field == "settings"


def test_a_file_that_names_a_removed_ingredient(tmp_path: Path) -> None:
    prior = RidgePrior(embedding_width=4, num_codes=1, latent_width=4)
    part = PartCard("toy:part", "0" * 64)
    card = PriorCard("ridge", {**prior.settings(), "gap": "centring+shaped"}, part, part, (1,))
    prior.save(tmp_path / "old.safetensors", card)
    with pytest.raises(BadWeights, match="the gap has no ingredient 'shaped'"):
        c2l.load_prior(str(tmp_path / "old.safetensors"))


def test_more_pictures_are_kept_of_more_pairs() -> None:
    """And files from before they could be hold no such setting."""
    widths = {"embedding_width": WIDTH, "num_codes": 1, "latent_width": 4}
    suggested = [
        FlowPrior.suggest_settings(num, **widths)["stored"] for num in (500, 12_000, 10**6)
    ]
    assert suggested == [4096, 11_400, 16_384]
    # As many w+ of a large StyleGAN as may be stored.
    large = {**widths, "num_codes": 18, "latent_width": 512}
    assert FlowPrior.suggest_settings(10**6, **large)["stored"] == 7281
    assert "stored" not in RidgePrior.suggest_settings(12_000, **widths)
    few, more = (FlowPrior(**widths, hidden=8, stored=num) for num in (4096, 70))
    assert "stored" not in few.settings() and more.settings()["stored"] == 70
    pictures, words = two_crowds(300)
    more.fit(pictures, torch.zeros(300, 1, 4), words)
    assert more.bridge.stored.shape == (70, WIDTH)
    more.adopt({"gap": "blur+centring+neighbours", "nearest": 0.1})
    assert more.settings()["stored"] == 70
    normal = SeededNormal(range(50), torch.device("cpu"))
    seen = more.bridge.ask(words[:1].expand(50, -1), asking("text", 1.0), normal)
    assert len(seen.unit.unique(dim=0)) == 7
