"""The laws of priors, and what is special here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import c2l
from c2l.testing import PRIOR_LAWS, Law, share_shown, some_prompts, toy_pairs, toy_parts
from c2l_cvae.prior import CVAEPrior


@pytest.fixture(scope="module")
def fitted() -> c2l.Prior:
    embeddings, latents = toy_pairs(200)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        widths = {"embedding_width": embeddings.shape[1], "num_codes": 1}
        prior = CVAEPrior(**widths, latent_width=latents.shape[2])
    prior.fit(embeddings, latents)
    return prior.eval().requires_grad_(False)


@pytest.mark.parametrize("law", PRIOR_LAWS)
def test_it_keeps_the_laws_of_priors(fitted: c2l.Prior, law: Law[c2l.Prior]) -> None:
    law(fitted)


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_cvae, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_text_draws_what_it_names(tmp_path: Path) -> None:
    """As a user has it: trained on pictures alone, saved, found by its file and asked with text."""
    generator, embedder = toy_parts()
    pairs = c2l.build_pairs(generator, embedder, 3000, tmp_path / "pairs")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(some_prompts(40)), encoding="utf-8")
    c2l.train_prior(
        "cvae",
        pairs,
        tmp_path / "prior.safetensors",
        generator=generator,
        embedder=embedder,
        domain=str(prompts),
        student=False,
        steps=400,
        batch_size=256,
        learning_rate=0.01,
    )
    prior = c2l.load_prior(str(tmp_path / "prior.safetensors"))
    assert isinstance(prior, CVAEPrior)
    asked = some_prompts(100, seed=1)
    drawn = prior.sample(embedder.embed_text(asked), seeds=range(100))
    chance = share_shown(asked, generator.sample_latents(range(100)))
    assert share_shown(asked, drawn) > 0.55 > 2 * chance


def test_what_the_embedding_leaves_open_comes_from_the_seed(fitted: c2l.Prior) -> None:
    one = toy_pairs(1)[0].expand(200, -1)
    drawn = fitted.sample(one, seeds=range(200), modality="image")[:, 0]
    assert torch.pdist(drawn).min() > 0
