"""New priors of the paper's kind: they learn, are saved, and draw as before."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from toys import EMBEDDING_WIDTH, WIDTH, attributes_of, toy_pairs

import c2l
from c2l import PriorCard
from c2l.prior import PartCard
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.diffusion_linear import SMALLEST, RowsLinear

SIZES = {"embedding_width": EMBEDDING_WIDTH, "num_codes": 1, "latent_width": WIDTH}


def small() -> DiffusionPrior:
    torch.manual_seed(0)
    return DiffusionPrior(**SIZES, width=48, depth=2, heads=2, head_width=16, noise=0.2)


@pytest.fixture(scope="module")
def trained() -> DiffusionPrior:
    prior = small()
    embeddings, latents = toy_pairs(2000)
    prior.fit(embeddings, latents)
    optimiser = torch.optim.AdamW(prior.parameters(), lr=3e-3)
    for step in range(250):
        rng = torch.Generator().manual_seed(step)
        rows = torch.randint(len(latents), (128,), generator=rng)
        loss = prior.training_loss(embeddings[rows], latents[rows], rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return prior.eval().requires_grad_(False)


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


def test_the_loss_depends_on_its_generator_alone() -> None:
    prior = small().requires_grad_(False)
    torch.nn.init.normal_(prior.network.leave.weight)  # untrained, it answers with zeros
    embeddings, latents = toy_pairs(16)
    prior.fit(embeddings, latents)
    losses = []
    for seed in (1, 1, 2):
        rng = torch.Generator().manual_seed(seed)
        losses.append(float(prior.training_loss(embeddings, latents, rng)))
        torch.randn(5)
    assert losses[0] == losses[1] != losses[2]


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
