"""New priors of the paper's kind: they learn, are saved, and draw as before."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

import c2l
from c2l import PriorCard
from c2l.prior_file import PartCard
from c2l.testing import ToyEmbedder, share_shown, some_prompts, toy_pairs
from c2l.testing.toy_world import WIDTH, attributes_of
from c2l.testing.toys import EMBEDDING_WIDTH
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.diffusion_linear import SMALLEST, RowsLinear

SIZES = {"embedding_width": EMBEDDING_WIDTH, "num_codes": 1, "latent_width": WIDTH}


def small(gap: str = "paper") -> DiffusionPrior:
    torch.manual_seed(0)
    return DiffusionPrior(**SIZES, width=48, depth=2, heads=2, head_width=16, noise=0.2, gap=gap)


def train(prior: DiffusionPrior, embeddings: Tensor, latents: Tensor, steps: int) -> None:
    optimiser = torch.optim.AdamW(prior.parameters(), lr=3e-3)
    for step in range(steps):
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(latents), (128,), generator=rng)
        loss = prior.training_loss(embeddings[rows], latents[rows], rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    prior.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def trained() -> DiffusionPrior:
    prior = small()
    embeddings, latents = toy_pairs(2000)
    prior.fit(embeddings, latents)
    train(prior, embeddings, latents, steps=250)
    return prior


def test_latents_follow_the_embedding(trained: DiffusionPrior) -> None:
    embeddings, latents = toy_pairs(100, first_seed=50_000)
    wanted = attributes_of(latents)
    drawn = attributes_of(trained.sample(embeddings, seeds=range(100)))
    hits = torch.stack([(drawn[name] == wanted[name]).float() for name in wanted]).mean()
    assert hits > 0.6  # a quarter of them by chance


def test_its_file(trained: DiffusionPrior, tmp_path: Path) -> None:
    embeddings, _ = toy_pairs(3)
    expected = trained.sample(embeddings, seeds=[0, 1, 2])
    part = PartCard("toy:part", "0" * 64)
    path = tmp_path / "new.safetensors"
    trained.save(path, PriorCard("diffusion", trained.settings(), part, part, (5,)))
    again = c2l.load_prior(str(path))
    assert torch.equal(again.sample(embeddings, seeds=[0, 1, 2]), expected)


@pytest.mark.parametrize("num_pairs", [1000, 100_000, 1_000_000])
def test_suggested_settings_build_a_prior(num_pairs: int) -> None:
    settings = DiffusionPrior.suggest_settings(num_pairs, **SIZES)
    with torch.device("meta"):
        prior = DiffusionPrior(**SIZES, **settings)
    sizes = {name: prior.settings()[name] for name in settings}
    assert sizes == settings


def test_layouts_for_inference_follow_the_weights() -> None:
    """A copy in the processor's own layout must never outlive what it was made of."""
    layer = RowsLinear(256, 300)
    assert layer.weight.numel() >= SMALLEST
    rows = torch.randn(7, 256)
    for change in (None, 2.0, "half", "back", "copy"):
        with torch.no_grad():
            if change == 2.0:
                layer.weight.mul_(2.0)
            elif change == "half":
                layer.half()
            elif change == "back":
                layer.float().load_state_dict({"weight": torch.randn(300, 256)})
            elif change == "copy":
                layer = copy.deepcopy(layer)
            if change == "half":
                continue
            expected = rows @ layer.weight.T
            assert torch.allclose(layer(rows), expected, atol=1e-3)
    out = layer(rows)
    out.sum().backward()
    assert layer.weight.grad is not None


def test_a_prior_with_a_gap_reads_texts(trained: DiffusionPrior, tmp_path: Path) -> None:
    """Texts that lie apart from pictures by a constant longer than they are."""
    prompts, seeds = some_prompts(100), range(100)
    texts = ToyEmbedder().embed_text(prompts)
    away = torch.randn(EMBEDDING_WIDTH, generator=torch.Generator().manual_seed(0))
    texts = texts + 3 * texts.norm(dim=1).mean() * away / away.norm()
    embeddings, latents = toy_pairs(2000)
    prior = small(gap="centring+noise")
    prior.fit(embeddings, latents, texts)
    train(prior, embeddings, latents, steps=100)
    drawn = prior.sample(texts, seeds=seeds)
    without = trained.sample(texts, seeds=seeds)
    shown = [share_shown(prompts, latents) for latents in (without, drawn)]
    assert shown[1] > shown[0] + 0.2
    part = PartCard("toy:part", "0" * 64)
    path = tmp_path / "gap.safetensors"
    prior.save(path, PriorCard("diffusion", prior.settings(), part, part, (5,)))
    assert torch.equal(c2l.load_prior(str(path)).sample(texts, seeds=seeds), drawn)


@pytest.mark.parametrize("gap", ["paper", "noise"])
def test_less_adherence_turns_the_embedding_by_seed(gap: str) -> None:
    prior = small(gap=gap)
    torch.nn.init.normal_(prior.network.leave.weight)
    embeddings, latents = toy_pairs(8)
    prior.fit(embeddings, latents)
    literal, loose, again = (
        prior.sample(embeddings, seeds=range(8), adherence=adherence)
        for adherence in (1.0, 0.3, 0.3)
    )
    assert not torch.allclose(literal, loose)
    assert torch.equal(loose, again)
    alone = prior.sample(embeddings[5:6], seeds=[5], adherence=0.3)
    torch.testing.assert_close(alone, loose[5:6], rtol=1e-4, atol=1e-4)


def test_a_negative_prompt_takes_the_place_of_none(trained: DiffusionPrior) -> None:
    embeddings, _ = toy_pairs(6)
    plain = trained.sample(embeddings, seeds=range(6), guidance=1.0)
    itself = trained.sample(embeddings, seeds=range(6), guidance=3.0, negative=embeddings)
    torch.testing.assert_close(itself, plain, rtol=1e-4, atol=1e-4)  # nothing to push away from
    other = trained.sample(embeddings, seeds=range(6), guidance=3.0, negative=embeddings.flip(0))
    assert not torch.allclose(other, trained.sample(embeddings, seeds=range(6), guidance=3.0))
