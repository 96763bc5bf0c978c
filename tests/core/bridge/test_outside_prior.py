"""The bridge is a public part: priors of third parties use it through the same door as ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from doc_pages import blocks_of, section_of

import c2l
from c2l.plugins import registry
from c2l.testing import (
    ToyEmbedder,
    ToyGenerator,
    assert_conforms,
    install_package,
    on_path,
    share_shown,
    some_prompts,
    toy_pairs,
)

PLUGIN = """
import c2l

@c2l.hookimpl
def c2l_register_kinds(register):
    register(c2l.KindSpec("kernel", "prior", "their_kernel:KernelPrior", "Kernel regression"))
    register(c2l.KindSpec("vae", "prior", "their_vae:VAEPrior", "A conditional VAE"))
"""

# What the documentation tells authors to write.
KERNEL = blocks_of(section_of("docs/priors.md", "The bridge of a prior of your own"), "python")[0]

VAE = """
import c2l
import torch
from c2l.ranges import Count
from torch import nn


class VAEPrior(c2l.BridgedPrior):
    class Settings(c2l.BridgeSettings):
        hidden: Count = 64
        code: Count = 8

    def __init__(self, **settings):
        super().__init__(**settings)
        c, size = self.config, self.latent_size
        told = c.embedding_width + 1
        self.shape = c.num_codes, c.latent_width
        self.encode = nn.Sequential(
            nn.Linear(size + told, c.hidden), nn.SiLU(), nn.Linear(c.hidden, 2 * c.code))
        self.decode = nn.Sequential(
            nn.Linear(c.code + told, c.hidden), nn.SiLU(), nn.Linear(c.hidden, size))

    def training_loss(self, embeddings, latents, rng):
        told = self.told(*self.bridge.show(embeddings, rng))
        clean = latents.flatten(1).to(told)
        mean, log = self.encode(torch.cat([clean, told], dim=1)).chunk(2, dim=1)
        code = mean + log.exp() * torch.randn(mean.shape, generator=rng).to(mean)
        apart = (0.5 * (mean.square() + (2 * log).exp() - 1) - log).sum(dim=1)
        off = (self.decode(torch.cat([code, told], dim=1)) - clean).square().sum(dim=1)
        return (10 * off + apart).mean()

    def _sample(self, embeddings, options):
        normal = c2l.SeededNormal(options.seeds, self.device)
        told = self.told(*self.bridge.ask(embeddings, options, normal))
        drawn = self.decode(torch.cat([normal(self.config.code), told], dim=1))
        return drawn.unflatten(1, self.shape)

    @staticmethod
    def told(seen, levels):
        return torch.cat([seen * seen.shape[1] ** 0.5, levels[:, None]], dim=1)
"""

KINDS = ("kernel", "vae")


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package of a third party, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    files = {"their_kernel.py": KERNEL, "their_vae.py": VAE}
    install_package(folder, "their", {"plugin": PLUGIN}, files=files)
    registry.cache_clear()
    with on_path(folder):
        yield
    registry.cache_clear()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> c2l.Pairs:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("pairs")
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 4000, folder)


@pytest.fixture(scope="module", params=KINDS)
def trained(
    request: pytest.FixtureRequest, pairs: c2l.Pairs, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A file of each kind, and what training reported."""
    folder = tmp_path_factory.mktemp(request.param)
    prompts = folder / "prompts.txt"
    prompts.write_text("\n".join(some_prompts(60)))
    report = c2l.train_prior(
        request.param,
        pairs,
        folder / "prior.safetensors",
        generator=ToyGenerator(),
        embedder=ToyEmbedder(),
        domain=str(prompts),
        steps=400,
        batch_size=256,
        learning_rate=0.01,
        student=False,
    )
    return report.path, report


def test_five_lines_are_the_bridge() -> None:
    marked = [line for line in KERNEL.splitlines() if line.endswith("  #")]
    assert len(marked) == 5
    assert sum(word in KERNEL for word in ("Clouds", "candidates", "adopt", "away(")) == 0


def test_training_chooses_its_bridge_by_what_it_draws(trained: tuple[Path, Any]) -> None:
    path, report = trained
    assert len(report.training["choice"]["trials"]) > 6  # its candidates and some near them
    card = c2l.load_prior(str(path)).card
    assert card is not None
    choice = card.training["choice"]
    assert {"slack": 0.0, "retrieval": False, **card.settings}.items() >= choice["settings"].items()
    assert card.settings["gap"].startswith("blur")
    assert choice["evidence"]["apart"] > 0.5


def test_text_draws_what_it_names(trained: tuple[Path, Any]) -> None:
    prior, prompts = c2l.load_prior(str(trained[0])), some_prompts(60, seed=1)
    latents = prior.sample(ToyEmbedder().embed_text(prompts), seeds=range(60))
    chance = share_shown(prompts, toy_pairs(60)[1])
    assert share_shown(prompts, latents) > 0.7 > 2 * chance


def test_what_is_unwanted_stays_away(trained: tuple[Path, Any]) -> None:
    prior, embedder = c2l.load_prior(str(trained[0])), ToyEmbedder()
    asked = embedder.embed_text(["shape1"] * 100)
    negative = embedder.embed_text(["colour2"] * 100)
    drawn = prior.sample(asked, seeds=range(100))
    without = prior.sample(asked, seeds=range(100), negative=negative)
    named = ["colour2"] * 100
    assert share_shown(named, without) < 0.9 * share_shown(named, drawn)


def test_a_setting_that_is_given_is_not_chosen(pairs: c2l.Pairs, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(some_prompts(60)))
    parts: dict[str, Any] = {"generator": ToyGenerator(), "embedder": ToyEmbedder()}
    for gap in ("blur+projection", "centring"):
        report = c2l.train_prior(
            "kernel", pairs, tmp_path / "x", settings={"gap": gap}, student=False, **parts
        )
        assert not report.choice
        assert c2l.load_prior(str(report.path)).settings()["gap"] == gap


@pytest.mark.parametrize("kind", KINDS)
def test_a_bridged_prior_keeps_the_laws(kind: str) -> None:
    assert_conforms(kind)
