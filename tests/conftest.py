"""Tests never see the developer's machine: own cache, no network, no settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("c2l", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("c2l")


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("C2L_DISABLE_PLUGINS", "C2L_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("C2L_HOME", str(tmp_path / "c2l-home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def deaf_prior(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ridge prior for demo-faces, on made-up pairs: it listens to nothing but the prompt."""
    import torch

    import c2l
    from c2l_priors.ridge import RidgePrior

    recipe = c2l.load_pipeline()
    assert recipe.prior.card is not None
    latents, width = recipe.generator.sample_latents(range(8)), recipe.embedder.width
    num_codes, latent_width = latents.shape[1:]
    prior = RidgePrior(embedding_width=width, num_codes=num_codes, latent_width=latent_width)
    prior.fit(torch.randn(8, width, generator=torch.Generator().manual_seed(0)), latents)
    path = tmp_path_factory.mktemp("deaf") / "ridge.safetensors"
    settings = dict(prior.settings())
    prior.save(path, dataclasses.replace(recipe.prior.card, kind="ridge", settings=settings))
    return f"ridge:{path}"
