"""Stored latents as the answer, where a network cannot learn them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

import c2l
from c2l.errors import BadInput
from c2l.prior_file import PartCard, PriorCard
from c2l.testing import ToyEmbedder, ToyGenerator, share_shown, some_prompts
from c2l.testing.toy_world import WIDTH, latents_of
from c2l.training import train_prior
from c2l_priors.flow import FlowPrior

torch.set_num_threads(1)
E, NUM = 8, 400


def some(num: int, seed: int, width: int = E) -> Tensor:
    return torch.randn(num, width, generator=torch.Generator().manual_seed(seed))


PICTURES, LATENTS = some(NUM, 0), some(NUM, 1, 6).unflatten(1, (2, 3)).half().float()
TEXTS = PICTURES[:5] + 4.0


def fitted(**settings: Any) -> FlowPrior:
    told = {"gap": "blur", "adherence": 1.0, "nearest": 0.02, "retrieval": True, **settings}
    widths = {"embedding_width": E, "num_codes": 2, "latent_width": 3}
    prior = FlowPrior(**widths, hidden=8, num_blocks=1, stored=NUM, **told)
    prior.fit(PICTURES, LATENTS, some(60, 2) + 4.0)
    return prior.eval().requires_grad_(False)


def rows_of(latents: Tensor) -> list[int]:
    """Which of the stored latents these are."""
    same = (latents[:, None] == LATENTS).flatten(2).all(dim=2)
    assert same.any(dim=1).all(), "not all of these are stored"
    return same.long().argmax(dim=1).tolist()


def asked_often(prior: FlowPrior, asked: Tensor, num: int = 64, **options: Any) -> set[int]:
    return set(rows_of(prior.sample(asked.expand(num, -1), seeds=range(num), **options)))


def test_a_text_is_answered_with_latents_whose_pictures_fit_it() -> None:
    prior = fitted()
    centred = normalize(PICTURES, dim=1) - normalize(PICTURES, dim=1).mean(dim=0)
    for text in TEXTS:
        unit = normalize(text, dim=0) - prior.bridge.text_mean
        best = (centred @ unit).topk(8).indices.tolist()
        assert asked_often(prior, text[None]) == set(best)


def test_a_picture_is_answered_with_latents_of_pictures_like_it() -> None:
    prior = fitted(nearest=1 / NUM)
    drawn = prior.sample(PICTURES[:50], seeds=range(50), modality="image")
    assert rows_of(drawn) == list(range(50))


def test_rows_depend_on_their_own_seed_and_embedding() -> None:
    prior = fitted()
    together = prior.sample(TEXTS, seeds=[3, 1, 4, 1, 5])
    for row in range(5):
        alone = prior.sample(TEXTS[row : row + 1], seeds=[[3, 1, 4, 1, 5][row]])
        assert torch.equal(together[row], alone[0])


def test_less_adherence_and_more_slack_pick_among_more() -> None:
    prior = fitted(nearest=0.01)
    few = asked_often(prior, TEXTS[:1])
    assert len(few) == 4 and few < asked_often(prior, TEXTS[:1], adherence=0.0)
    assert few < asked_often(fitted(nearest=0.01, slack=0.2), TEXTS[:1])


def test_slack_counts_from_the_best_and_some_are_always_among_them() -> None:
    centred = normalize(PICTURES, dim=1) - normalize(PICTURES, dim=1).mean(dim=0)
    for nearest in (3 / NUM, 0.02):
        prior = fitted(nearest=nearest, slack=0.2)
        fit = centred @ (normalize(TEXTS[0], dim=0) - prior.bridge.text_mean)
        wanted = max(round(nearest * NUM), int((fit >= 0.8 * fit.max()).sum()))
        assert asked_often(prior, TEXTS[:1]) == set(fit.topk(wanted).indices.tolist())
    assert len(asked_often(fitted(nearest=3 / NUM, slack=1e-6), TEXTS[:1])) == 3


@pytest.mark.parametrize("by", ["embedding", "guidance"])
def test_a_negative_prompt_moves_away_however_it_is_asked(by: str) -> None:
    prior = fitted()
    unwanted = TEXTS[1:2].expand(64, -1)
    plain = asked_often(prior, TEXTS[:1])
    assert asked_often(prior, TEXTS[:1], negative=unwanted, negative_by=by) != plain
    assert {"guidance", "steps", "negative_by"} <= prior.ignored_options


def test_a_way_goes_from_one_to_the_other_and_near_is_drawn_anew() -> None:
    prior = fitted()

    def way(at: float) -> Tensor:
        towards = c2l.Towards(TEXTS.flip(0), seeds=range(5, 10), at=[at] * 5)
        return prior.sample(TEXTS, seeds=range(5), towards=towards)

    ends = prior.sample(TEXTS, seeds=range(5)), prior.sample(TEXTS.flip(0), seeds=range(5, 10))
    assert torch.allclose(way(0.0), ends[0], atol=1e-5)
    assert torch.allclose(way(1.0), ends[1], atol=1e-5)
    assert not torch.allclose(way(0.5), ends[0], atol=0.1)
    near = prior.sample(TEXTS, seeds=range(5), near=c2l.Near(ends[0], 0.5))
    network = fitted(retrieval=False).eval()
    network.load_state_dict(prior.state_dict(), strict=False)
    assert torch.equal(near, network.sample(TEXTS, seeds=range(5), near=c2l.Near(ends[0], 0.5)))


def save(prior: FlowPrior, path: Path, *, half: bool = False) -> FlowPrior:
    part = PartCard("toy:part", "0" * 64)
    card = PriorCard("flow", dict(prior.settings()), part, part, (1, 1))
    prior.save(path, card, half=half)
    again = c2l.load_prior(str(path))
    assert isinstance(again, FlowPrior)
    return again


@pytest.mark.parametrize("half", [True, False])
def test_latents_are_in_files_that_answer_with_them_alone(tmp_path: Path, half: bool) -> None:
    prior = fitted()
    again = save(prior, tmp_path / "x.safetensors", half=half)
    assert torch.equal(again.sample(TEXTS, seeds=range(5)), prior.sample(TEXTS, seeds=range(5)))
    again.adopt({"retrieval": False})
    drawn = again.sample(TEXTS, seeds=range(5))
    with pytest.raises(AssertionError, match="not all of these are stored"):
        rows_of(drawn)
    without = save(again, tmp_path / "y.safetensors", half=half)
    assert torch.allclose(without.sample(TEXTS, seeds=range(5)), drawn, atol=0.02)
    assert "stored_latents" not in without.state_dict()
    again.adopt({"retrieval": True})
    rows_of(again.sample(TEXTS, seeds=range(5)))
    with pytest.raises(BadInput, match="has stored no latents"):
        without.adopt({"retrieval": True})


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="retrieval goes with blur"):
        fitted(gap="centring")
    with pytest.raises(BadInput, match="retrieval does not heed classes"):
        fitted(num_classes=3)


def test_latents_that_would_fill_files_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = some(NUM, 0, 64)

    def offered() -> bool:
        prior = FlowPrior(embedding_width=64, num_codes=2, latent_width=3, hidden=8, stored=NUM)
        prior.fit(pictures, LATENTS, pictures[:60] + 4.0)
        found = any(candidate["retrieval"] for candidate in prior.sampling_candidates())
        assert found == (prior.stored_latents is not None)
        return found

    assert offered()
    monkeypatch.setattr("c2l.bridge.prior.MOST_NUMBERS", NUM * 6 - 1)
    assert not offered()


class Comb(ToyGenerator):
    """The same pictures, of latents that no small network learns: each value is in nine places."""

    @property
    def latent_space(self) -> c2l.LatentSpace:
        return c2l.LatentSpace(1, WIDTH, (5,), torch.zeros(1, WIDTH), torch.ones(1, WIDTH))

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return c2l.draw_normal(seeds, WIDTH)[:, None]

    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(hidden(latents), **keywords)


def hidden(latents: Tensor) -> Tensor:
    """The toy's own latents."""
    places = (9 * torch.special.ndtr(latents[:, 0].double())) % 1
    return latents_of(torch.special.ndtri(places.clamp(1e-6, 1 - 1e-6)).float())


def test_training_takes_stored_latents_where_a_network_cannot_learn(tmp_path: Path) -> None:
    generator, embedder = Comb(), ToyEmbedder()
    prompts = list(dict.fromkeys(some_prompts(80, seed=5)))
    domain = tmp_path / "toys.txt"
    domain.write_text("\n".join(dict.fromkeys(some_prompts(60))), encoding="utf-8")
    report = train_prior(
        "flow",
        c2l.build_pairs(generator, embedder, 3000, tmp_path / "pairs"),
        tmp_path / "x.safetensors",
        generator=generator,
        embedder=embedder,
        domain=str(domain),
        settings={"hidden": 64, "num_blocks": 2},
        steps=300,
        student=False,
    )
    prior = c2l.load_prior(str(report.path))
    assert prior.settings()["retrieval"] and "retrieval True" in report.choice
    asked = embedder.embed_text(prompts)
    shown = share_shown(prompts, hidden(prior.sample(asked, seeds=range(len(asked)))))
    prior.adopt({"retrieval": False})
    drawn = share_shown(prompts, hidden(prior.sample(asked, seeds=range(len(asked)))))
    assert shown > max(0.8, drawn + 0.2)
    assert "it answers with stored latents" in report.verdict
