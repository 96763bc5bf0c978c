"""Tests never see the developer's machine: own cache, no network, no settings, no GPU.

What is compared to the last bit was computed on a CPU. `CUDA_VISIBLE_DEVICES=0 pytest
tests/core/test_replaying.py` tests what there is for GPUs alone.
"""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["c2l.testing.pytest_plugin", "served"]

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

settings.register_profile("c2l", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("c2l")


@pytest.fixture(scope="session", autouse=True)
def _alone(no_network: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For whatever is made before the first test: fixtures of a module or of the session."""
    # Started as `nohup pytest &`, Ctrl-C is ignored, and by children too; tests send it to them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C2L_HOME", str(tmp_path_factory.mktemp("c2l-home")))
        yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _own_world(own_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
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
