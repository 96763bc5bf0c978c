"""The laws of priors, and what is special here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

import c2l
from c2l.testing import assert_conforms, share_shown, some_prompts, toy_pairs, toy_parts
from c2l_fourier.prior import FourierPrior


def test_it_keeps_the_laws_of_priors() -> None:
    assert_conforms("fourier")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_fourier, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_text_draws_what_it_names(tmp_path: Path) -> None:
    """As a user has it: trained on pictures alone, saved, found by its file and asked with text."""
    generator, embedder = toy_parts()
    pairs = c2l.build_pairs(generator, embedder, 2000, tmp_path / "pairs")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(some_prompts(40)), encoding="utf-8")
    c2l.train_prior(
        "fourier",
        pairs,
        tmp_path / "prior.safetensors",
        generator=generator,
        embedder=embedder,
        domain=str(prompts),
        settings={"retrieval": False},  # what its network draws is to be seen
        student=False,
    )
    prior = c2l.load_prior(str(tmp_path / "prior.safetensors"))
    assert isinstance(prior, FourierPrior)
    asked = some_prompts(100, seed=1)
    drawn = prior.sample(embedder.embed_text(asked), seeds=range(100))
    chance = share_shown(asked, generator.sample_latents(range(100)))
    assert share_shown(asked, drawn) > 0.7 > 2 * chance


def test_without_spread_all_seeds_draw_the_mean() -> None:
    embeddings, latents = toy_pairs(200)
    widths = {"embedding_width": embeddings.shape[1], "num_codes": 1}
    prior = FourierPrior(**widths, latent_width=latents.shape[2], spread=0.0, gap="centring")
    prior.fit(embeddings, latents)
    one = embeddings[:1]
    assert torch.equal(prior.sample(one, seeds=[0]), prior.sample(one, seeds=[1]))


def test_what_the_regression_leaves_is_in_the_scatter() -> None:
    """Latents that no embedding tells of come back with their own mean and covariance."""
    rng = torch.Generator().manual_seed(0)
    mixing = torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    latents = torch.randn(5000, 1, 2, generator=rng) @ mixing + 3
    prior = FourierPrior(embedding_width=4, num_codes=1, latent_width=2, gap="none")
    embeddings = torch.randn(5000, 4, generator=rng)
    prior.fit(embeddings, latents)
    drawn = prior.sample(embeddings, seeds=range(5000), modality="image")[:, 0]
    torch.testing.assert_close(drawn.mean(0), torch.tensor([3.0, 3.0]), atol=0.15, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), mixing.T @ mixing, atol=0.4, rtol=0)
