"""The laws of priors, and what is special here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

import c2l
from c2l.testing import assert_conforms, share_shown, some_prompts, toy_parts
from c2l_cvae.prior import CVAEPrior


def test_it_keeps_the_laws_of_priors() -> None:
    assert_conforms("cvae")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_cvae, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_text_draws_what_it_names(tmp_path: Path) -> None:
    """As a user has it: trained on pictures alone, saved, found by its file and asked with text."""
    generator, embedder = toy_parts()
    pairs = c2l.build_pairs(generator, embedder, 2000, tmp_path / "pairs")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(some_prompts(40)), encoding="utf-8")
    c2l.train_prior(
        "cvae",
        pairs,
        tmp_path / "prior.safetensors",
        generator=generator,
        embedder=embedder,
        domain=str(prompts),
        settings={"retrieval": False},  # what its network draws is to be seen
        student=False,
        steps=250,
        batch_size=256,
        learning_rate=0.01,
    )
    prior = c2l.load_prior(str(tmp_path / "prior.safetensors"))
    assert isinstance(prior, CVAEPrior)
    asked = some_prompts(100, seed=1)
    drawn = prior.sample(embedder.embed_text(asked), seeds=range(100))
    chance = share_shown(asked, generator.sample_latents(range(100)))
    assert share_shown(asked, drawn) > 0.55 > 2 * chance
    alike = prior.sample(embedder.embed_text(asked[:1]).expand(100, -1), seeds=range(100))
    assert torch.pdist(alike.flatten(1)).min() > 0, "what the text leaves open, the seed decides"
